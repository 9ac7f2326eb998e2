import { useState } from "preact/hooks";
import { useTexts } from "../context.ts";
import { Field } from "./field.tsx";
import { useFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";

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
  const submit = (event: Event) => {
    event.preventDefault();
    onSend(file, caption.trim());
  };
  return (
    <form class="panel" onSubmit={submit}>
      <p class="file">
        <Icon name="film" /> <bdi class="clip">{file.name}</bdi>
        <span class="length">{(Math.max(file.size, 100_000) / 1_000_000).toFixed(1)} MB</span>
      </p>
      <Field id="caption" label={texts.thread.caption}>
        <input
          id="caption"
          autocomplete="off"
          dir="auto"
          maxLength={4096}
          ref={first}
          value={caption}
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
