import { useState } from "preact/hooks";
import { TEXT_MAX } from "../../../services/texts/lengths.ts";
import { useTexts } from "../context.ts";
import { Field } from "./field.tsx";
import { useFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { excessOf, TooLong } from "./too_long.tsx";

interface FilePanelProps {
  file: File;
  onSend: (file: File, caption: string) => void;
  close: () => void;
}

/** A file that was picked, before it is sent: perhaps with some words. */
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
    <form class="panel" onSubmit={submit}>
      <p class="file">
        <Icon name="film" /> <bdi class="clip">{file.name}</bdi>
        <span class="length">{(Math.max(file.size, 100_000) / 1_000_000).toFixed(1)} MB</span>
      </p>
      <Field id="caption" label={texts.thread.caption}>
        <TooLong id="caption-excess" excess={excess} max={TEXT_MAX} />
        <input
          id="caption"
          autocomplete="off"
          dir="auto"
          ref={first}
          value={caption}
          aria-invalid={excess > 0}
          aria-describedby={excess > 0 ? "caption-excess" : undefined}
          onInput={({ currentTarget }) => setCaption(currentTarget.value)}
        />
      </Field>
      <div class="pair" data-row>
        <button type="submit" class="primary">
          <Icon name="send" /> {texts.keys.send}
        </button>
        <button type="button" class="second" onClick={close}>{texts.thread.discard}</button>
      </div>
    </form>
  );
}
