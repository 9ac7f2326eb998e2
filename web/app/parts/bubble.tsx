// A message, sent or in the outbox.

import type { ComponentChildren } from "preact";
import type { Draft, Message } from "../../client.ts";
import { ApiError } from "../../client.ts";
import { sentenceOf, useApp, useModel, useTexts } from "../context.ts";
import { memo } from "../memo.ts";
import { useStore } from "../model.ts";
import { Icon, type Status, Ticks } from "./icons.tsx";
import { Player } from "./player.tsx";
import { timeOf } from "./time.ts";

/** A text of up to three emoji, which is shown large. */
const EMOJI_ALONE =
  /^(?:\p{Extended_Pictographic}\p{Emoji_Modifier}?\ufe0f?(?:\u200d\p{Extended_Pictographic}\ufe0f?)*\s*){1,3}$/u;

interface MessageProps {
  message: Message;
  peer: string;
  isNewest: boolean;
  /** Redraws the message when the day changes, because its time is shown differently then. */
  today: string;
}

export const MessageBubble = memo(({ message, peer, isNewest }: MessageProps) => {
  const { client, sync } = useApp();
  const texts = useTexts();
  const isMine = message.sender !== peer;
  const isNew = !isMine && message.status !== "seen";
  const played = () => {
    if (isNew) sync.readMedia(peer, message.id).catch(() => {});
  };
  return (
    <Bubble
      at={message.created_at}
      {...(isMine ? { status: message.status } : {})}
      isNew={isNew}
      isNewest={isNewest}
    >
      {isNew && message.message_type !== "text" && <span class="heard">{texts.thread.notPlayed}</span>}
      {message.message_type !== "text" && (
        <Player
          kind={message.message_type}
          seconds={message.duration ?? 0}
          address={() => client.mediaAddress(message.media_content_id!)}
          onPlayed={played}
        />
      )}
      <Words text={message.message} />
    </Bubble>
  );
});

/** Errors after which a retry would fail again. */
const FOR_EVER = ["invalid_input", "invalid_media", "too_large"];

export function DraftBubble({ draft, isNewest }: { draft: Draft; isNewest: boolean }) {
  const { client } = useApp();
  const texts = useTexts();
  const share = useModel((model) => model.progress[draft.client_id]);
  const { client_id, failed, file } = draft;
  return (
    <Bubble at={draft.created_at} status={failed ? "failed" : "waiting"} isNewest={isNewest}>
      {file && (
        <p class="file">
          <Icon name={draft.message_type === "video" ? "film" : "mic"} />{" "}
          {texts.player[draft.message_type as "audio"]}
        </p>
      )}
      <Words text={draft.message} />
      {file && !failed && (
        <progress value={share ?? 0} aria-label={texts.thread.uploading(Math.round((share ?? 0) * 100))} />
      )}
      {draft.isOnlyHere && <p>{texts.thread.onlyHere}</p>}
      {failed && <p class="failed">{sentenceOf(texts, new ApiError(failed, failed))}</p>}
      {(failed || file) && (
        <p class="draft-keys" data-row>
          {failed && !FOR_EVER.includes(failed) && (
            <button
              type="button"
              class="inline"
              onClick={() => client.outbox.retry(client_id)}
            >
              {texts.thread.again}
            </button>
          )}
          <button type="button" class="inline" onClick={() => client.outbox.discard(client_id)}>
            {failed ? texts.thread.discard : texts.keys.cancel}
          </button>
        </p>
      )}
    </Bubble>
  );
}

function Bubble(
  { status, at, isNew = false, isNewest, children }: {
    /** The status of an own message; missing for others. */
    status?: Status;
    at: string;
    isNew?: boolean;
    /** Whether this is the newest message, which gets the focus where no message can be written. */
    isNewest: boolean;
    children: ComponentChildren;
  },
) {
  const language = useStore(useApp().settings, (chosen) => chosen.language);
  const texts = useTexts();
  return (
    <li
      class={`bubble ${status ? "mine" : "theirs"} ${isNew ? "new" : ""}`}
      tabIndex={-1}
      data-stop
      data-first={isNewest || undefined}
    >
      {status && <span class="heard">{texts.thread.mine}:</span>}
      {children}
      <span class="meta">
        <time dateTime={at}>{timeOf(at, language)}</time>
        {status && <Ticks status={status} label={texts.thread.status[status]} />}
      </span>
    </li>
  );
}

function Words({ text }: { text: string }) {
  if (text === "") return null;
  return <p class={EMOJI_ALONE.test(text) ? "words large" : "words"} dir="auto">{text}</p>;
}
