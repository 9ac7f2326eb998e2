// The thread with one contact.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Draft, Message } from "../../client.ts";
import { nameOf, useApp, useContact, useGuard, useModel, useTexts, useToday } from "../context.ts";
import { focusOn } from "../keys.ts";
import { type Thread as ThreadModel, useStore } from "../model.ts";
import { DraftBubble, MessageBubble } from "../parts/bubble.tsx";
import { Composer, isHolding, type Panel } from "../parts/composer.tsx";
import { Face, Name } from "../parts/person.tsx";
import { Screen } from "../parts/screen.tsx";
import { dayOf } from "../parts/time.ts";

/** Within this many pixels of an edge counts as being at it. */
const NEAR = 60;

export function Thread({ phone }: { phone: string }) {
  const { sync, router } = useApp();
  const texts = useTexts();
  const contact = useContact(phone);
  const [panel, setPanel] = useState<Panel>(null);
  useGuard(panel !== null, () => setPanel(null));
  const connection = useModel((model) => model.connection);
  useEffect(() => void sync.openThread(phone), [phone, connection]);
  const name = nameOf(contact, phone);
  const options = {
    label: texts.keys.more,
    name: texts.person.title,
    icon: "more" as const,
    onPress: () => router.go({ at: "person", phone }),
  };
  const mayWrite = contact?.status === "accepted";
  const hasMessages = useModel(({ threads }) => (threads[phone]?.messages.length ?? 0) > 0);
  useEffect(() => {
    if (!mayWrite) setPanel(null);
  }, [mayWrite]);
  return (
    <Screen
      title={name}
      heading={
        <>
          <Face contact={contact} phone={phone} />
          <span class="clip">
            <Name contact={contact} phone={phone} />
          </span>
        </>
      }
      class="thread"
      isFilled={contact !== null && hasMessages}
      isOwnScroller
      {...(isHolding(panel) ? {} : { right: options })}
      {...(mayWrite && !isHolding(panel)
        ? {
          left: {
            label: texts.keys.attach,
            name: texts.keys.attach,
            icon: "clip" as const,
            onPress: () => setPanel(panel ? null : "attach"),
          },
        }
        : {})}
      foot={mayWrite
        ? <Composer phone={phone} panel={panel} setPanel={setPanel} />
        : contact && <p class="foot-note">{texts.standing[contact.status]}</p>}
    >
      <Messages phone={phone} />
    </Screen>
  );
}

function Messages({ phone }: { phone: string }) {
  const { sync, settings } = useApp();
  const texts = useTexts();
  const today = useToday();
  const language = useStore(settings, (chosen) => chosen.language);
  const contact = useContact(phone);
  const thread = useModel((model) => model.threads[phone]);
  const outbox = useModel((model) => model.outbox);
  const drafts = outbox.filter((draft) =>
    draft.phone_number === phone && !thread?.messages.some(({ client_id }) => client_id === draft.client_id)
  );
  const messages = thread?.messages ?? [];
  const isEmpty = thread?.isFresh === true && contact?.status === "accepted" &&
    messages.length + drafts.length === 0;
  const hasMore = thread?.hasMore ?? false;
  const { list, older, onScroll, isAtEnd } = useScrolling({ phone, messages, drafts, hasMore });
  useReading({ phone, thread, isAtEnd });
  return (
    <div
      class="body messages"
      role="log"
      aria-label={nameOf(contact, phone)}
      tabIndex={0}
      data-scroll
      ref={list}
      onScroll={onScroll}
    >
      {hasMore && (
        <button
          type="button"
          class="second older"
          ref={older}
          onClick={() => sync.fetchOlder(phone)}
        >
          {texts.thread.older}
        </button>
      )}
      {isEmpty && <p class="empty">{texts.thread.empty}</p>}
      <ol hidden={isEmpty}>
        {messages.flatMap((message, at) => {
          const day = dayOf(message.created_at, language, texts.thread);
          const before = messages[at - 1];
          const isFirst = !before || dayOf(before.created_at, language, texts.thread) !== day;
          return [
            isFirst && <li key={`day ${message.id}`} class="day">{day}</li>,
            <MessageBubble
              key={message.id}
              message={message}
              peer={phone}
              isNewest={drafts.length === 0 && at === messages.length - 1}
              today={today}
            />,
          ];
        })}
        {drafts.map((draft, at) => (
          <DraftBubble key={draft.client_id} draft={draft} isNewest={at === drafts.length - 1} />
        ))}
      </ol>
    </div>
  );
}

/**
 * Keeps the newest message in view while the user is at the end. Elsewhere new messages do not move the view.
 * When older messages that the user asked for arrive, reading continues there.
 */
function useScrolling(
  { phone, messages, drafts, hasMore }: {
    phone: string;
    messages: Message[];
    drafts: Draft[];
    hasMore: boolean;
  },
) {
  const { sync } = useApp();
  const list = useRef<HTMLDivElement>(null);
  const older = useRef<HTMLButtonElement>(null);
  const state = useRef({ isAtEnd: true, height: 0, top: 0, oldest: 0, drafts: 0 });
  const [isAtEnd, setAtEnd] = useState(true);
  // Read before rendering, because the button may be removed and its focus with it.
  const isWaiting = document.activeElement === older.current;
  useLayoutEffect(() => {
    const element = list.current!;
    const { height, top, oldest, drafts: draftsBefore } = state.current;
    // A user who has scrolled away since the last frame: the scroll event comes only with the next.
    const hasLeftEnd = element.scrollTop < top &&
      Math.min(height, element.scrollHeight) - element.scrollTop - element.clientHeight >= NEAR;
    const isAtEnd = state.current.isAtEnd && !hasLeftEnd;
    const oldestNow = messages[0]?.id ?? 0;
    if (isAtEnd || drafts.length > draftsBefore) element.scrollTop = element.scrollHeight;
    else if (oldestNow < oldest) element.scrollTop += element.scrollHeight - height;
    if (isWaiting && (oldestNow < oldest || !hasMore)) {
      const before = messages.findIndex(({ id }) => id === oldest) - 1;
      focusOn(element.querySelectorAll<HTMLElement>(".bubble")[Math.max(before, 0)]);
    }
    const shown = { height: element.scrollHeight, top: element.scrollTop };
    Object.assign(state.current, { ...shown, oldest: oldestNow, drafts: drafts.length });
  }, [messages, hasMore, drafts.length, drafts.map(({ failed }) => failed).join()]);
  useEffect(() => {
    const element = list.current!;
    // Other elements, such as a panel or the on-screen keyboard, may take room from the list.
    const watch = new ResizeObserver(() => {
      if (state.current.isAtEnd) element.scrollTop = element.scrollHeight;
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const onScroll = () => {
    // Removing the list fires a scroll event too.
    if (!list.current) return;
    const { scrollTop, scrollHeight, clientHeight } = list.current;
    state.current.isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    state.current.top = scrollTop;
    setAtEnd(state.current.isAtEnd);
    if (scrollTop < NEAR && hasMore && !state.current.isAtEnd) sync.fetchOlder(phone);
  };
  return { list, older, onScroll, isAtEnd };
}

/**
 * Marks texts as seen while the newest is in view on a visible screen. Runs again after every fetch of the
 * thread, which repeats a mark that failed.
 */
function useReading(
  { phone, thread, isAtEnd }: { phone: string; thread: ThreadModel | undefined; isAtEnd: boolean },
): void {
  const { sync, notices } = useApp();
  useEffect(() => {
    if (!isAtEnd) return;
    const read = () => {
      if (document.visibilityState !== "visible") return;
      notices.nothingNew([phone]);
      sync.readTexts(phone).catch(() => {});
    };
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [phone, thread, isAtEnd]);
}
