// The field for a message, and the panels for emoji, voice and files.

import { useEffect, useRef, useState } from "preact/hooks";
import { TEXT_MAX } from "../../../services/texts/lengths.ts";
import { useApp, useTexts } from "../context.ts";
import { focusFirst } from "../keys.ts";
import { Emoji } from "./emoji.tsx";
import { FilePanel } from "./file_panel.tsx";
import { useFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { excessOf, TooLong } from "./too_long.tsx";
import { VoicePanel } from "./voice_panel.tsx";

/** The panel that is open above the field. */
export type Panel = null | "attach" | "emoji" | "voice" | File;

/** Whether the panel has a recording or a file, so that it closes only by its own keys and by Back. */
export function isHolding(panel: Panel): boolean {
  return panel === "voice" || panel instanceof File;
}

interface ComposerProps {
  phone: string;
  panel: Panel;
  setPanel: (panel: Panel) => void;
}

export function Composer({ phone, panel, setPanel }: ComposerProps) {
  const { client } = useApp();
  const texts = useTexts();
  const [text, setText] = useUnsentText(phone);
  const excess = excessOf(text, TEXT_MAX);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const wasOpen = useRef(false);
  useEffect(() => {
    if (panel === null && wasOpen.current) field.current?.focus();
    wasOpen.current = panel !== null;
  }, [panel]);
  useEffect(() => fit(field.current!), [text]);
  useEffect(() => {
    // The composer may appear after its screen, once the contact is loaded.
    const holder = document.activeElement;
    if (holder === document.body || holder?.closest("main header")) {
      focusFirst(field.current!.closest(".screen")!);
    }
  }, []);

  const send = () => {
    const message = text.trim();
    if (message === "") return;
    if (excess > 0) return field.current!.focus();
    client.outbox.add({ phone_number: phone, message_type: "text", message });
    setText("");
    setPanel(null);
    // After a press of the send button, which has become the microphone, the focus returns to the field. An
    // on-screen keyboard that was closed stays closed.
    if (field.current!.form!.contains(document.activeElement)) field.current!.focus();
  };
  const sendFile = (file: Blob, message: string) => {
    const message_type = file.type.startsWith("video/") ? "video" : "audio";
    client.outbox.add({ phone_number: phone, message_type, message, file });
    setPanel(null);
  };
  const insert = (emoji: string) => {
    const { selectionStart, selectionEnd } = field.current!;
    // The field's own method leaves the caret behind the emoji, where the next one goes.
    field.current!.setRangeText(emoji, selectionStart, selectionEnd, "end");
    setText(field.current!.value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  const pick = () => picker.current!.click();
  return (
    <div class={`composer ${isHolding(panel) ? "holding" : panel === "attach" ? "busy" : ""}`}>
      {panel === "attach" && <Attach setPanel={setPanel} pick={pick} />}
      {panel === "emoji" && <Emoji onPick={insert} />}
      {panel === "voice" && (
        <VoicePanel
          onSend={(voice) => sendFile(voice, "")}
          close={() => setPanel(null)}
        />
      )}
      {panel instanceof File && <FilePanel file={panel} onSend={sendFile} close={() => setPanel(null)} />}
      <input
        type="file"
        hidden
        accept="audio/*,video/*"
        ref={picker}
        onChange={({ currentTarget }) => {
          setPanel(currentTarget.files?.[0] ?? null);
          currentTarget.value = "";
        }}
      />
      <TooLong id="message-excess" excess={excess} max={TEXT_MAX} />
      <form
        data-row
        data-enter={text.trim() !== "" && excess === 0 ? texts.keys.send : ""}
        class="write"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <button
          type="button"
          class="key wordy"
          aria-label={texts.thread.emoji}
          aria-expanded={panel === "emoji"}
          onClick={() => setPanel(panel === "emoji" ? null : "emoji")}
        >
          <Icon name="smile" />
        </button>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          aria-label={texts.thread.write}
          placeholder={texts.thread.write}
          aria-invalid={excess > 0}
          aria-describedby={excess > 0 ? "message-excess" : undefined}
          enterkeyhint="send"
          data-first
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {text.trim() === ""
          ? (
            <button
              type="button"
              class="key wordy"
              aria-label={texts.thread.voice}
              onMouseDown={keepFocus}
              // The second click of a double click was meant for the send button, whose place this one has
              // taken.
              onClick={({ detail }) => detail < 2 && setPanel("voice")}
            >
              <Icon name="mic" />
            </button>
          )
          : (
            <button type="submit" class="key go flips" aria-label={texts.keys.send} onMouseDown={keepFocus}>
              <Icon name="send" />
            </button>
          )}
      </form>
    </div>
  );
}

/** The text of the field, which survives leaving the screen. */
function useUnsentText(phone: string): [text: string, setText: (text: string) => void] {
  const { client: { unsentTexts } } = useApp();
  const [text, setText] = useState(() => unsentTexts.get(phone));
  const write = (next: string) => {
    setText(next);
    unsentTexts.put(phone, next);
  };
  return [text, write];
}

function Attach({ setPanel, pick }: { setPanel: (panel: Panel) => void; pick: () => void }) {
  const texts = useTexts();
  const first = useFocus<HTMLButtonElement>();
  return (
    <div class="panel attach">
      <button type="button" ref={first} onClick={() => setPanel("voice")}>
        <Icon name="mic" /> {texts.thread.voice}
      </button>
      <button type="button" onClick={pick}>
        <Icon name="film" /> {texts.thread.film}
      </button>
      <button type="button" onClick={() => setPanel("emoji")}>
        <Icon name="smile" /> {texts.thread.emoji}
      </button>
    </div>
  );
}

/** Keeps the focus in the field when a button beside it is clicked, so that a phone's keyboard stays open. */
function keepFocus(event: MouseEvent): void {
  event.preventDefault();
}

/** Makes the field as high as its text, up to a limit in the style sheet. */
function fit(field: HTMLTextAreaElement): void {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
