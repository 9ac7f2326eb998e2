import { useState } from "preact/hooks";
import { TEXT_MAX } from "../../../services/texts/lengths.ts";
import { useTexts } from "../context.ts";
import { useFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { LineField } from "./line_field.tsx";
import { excessOf } from "./too_long.tsx";

interface FilePanelProps {
  file: File;
  onSend: (file: File, caption: string) => void;
  close: () => void;
}

/** A picked file before it is sent, with an optional caption. */
export function FilePanel({ file, onSend, close }: FilePanelProps) {
  const texts = useTexts();
  const first = useFocus<HTMLInputElement>();
  const [caption, setCaption] = useState("");
  const excess = excessOf(caption, TEXT_MAX);
  const submit = (event: Event) => {
    event.preventDefault();
    if (excess > 0) return first.current!.focus();
    onSend(file, caption.trim());
  };
  return (
    <form class="panel" data-enter={excess > 0 ? "" : texts.keys.send} onSubmit={submit}>
      <p class="file">
        <Icon name="film" /> <bdi class="clip">{file.name}</bdi>
        <span class="length">{sizeOf(file.size)}</span>
      </p>
      <LineField
        id="caption"
        label={texts.thread.caption}
        max={TEXT_MAX}
        excess={excess}
        value={caption}
        setValue={setCaption}
        field={first}
      />
      <div class="pair" data-row>
        <button type="submit" class="primary">
          <Icon name="send" /> {texts.keys.send}
        </button>
        <button type="button" class="second" onClick={close}>{texts.thread.discard}</button>
      </div>
    </form>
  );
}

function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
