// Merges fetched messages and contacts with known ones, and decides how little has to be fetched for that.

import type { Contact, Message, Page } from "../client.ts";
import type { Thread } from "./model.ts";

/** How many messages a page has, unless fewer will do. */
export const PAGE_COUNT = 40;
/** How many new messages a small fetch leaves room for. */
const NEW_ROOM = 5;

/** The result of `fetchNewest`. */
export interface Fetched {
  /** The newest messages, oldest first. */
  messages: Message[];
  /** Single messages from before those, with gaps between. */
  lone: Message[];
  hasMore: boolean;
}

/**
 * Fetches those of the newest messages whose status may have changed: seen messages never change. If it finds
 * more new ones than expected, it fills up to a whole page. For a sender without a text among those it also
 * fetches their last known text if that was unseen, because what was seen of their texts is derived from the
 * newest seen one.
 */
export async function fetchNewest(
  known: Thread | undefined,
  fetch: (query: { count: number; before?: number }) => Promise<Page>,
): Promise<Fetched> {
  const fetched = known?.isFresh ? known.messages.filter(({ id }) => id <= known.wholeTo) : [];
  const newest = fetched.slice(-PAGE_COUNT);
  const unseenAt = newest.findIndex(({ status }) => status !== "seen");
  const at = unseenAt === -1 ? newest.length - 1 : unseenAt;
  const from = newest[at]?.id ?? 0;
  const count = from ? Math.min(newest.length - at + NEW_ROOM, PAGE_COUNT) : PAGE_COUNT;
  let { messages, has_more } = await fetch({ count });
  const oldest = messages[messages.length - 1];
  const isEnough = !oldest || (oldest.id <= from && newest.some(({ id }) => id === oldest.id));
  if (has_more && !isEnough && messages.length < PAGE_COUNT) {
    const rest = await fetch({ count: PAGE_COUNT - messages.length, before: oldest!.id });
    messages = [...messages, ...rest.messages];
    has_more = rest.has_more;
  }
  const lone = await Promise.all(
    lastTexts(known?.messages ?? [], messages).map(({ id }) => fetch({ count: 1, before: id + 1 })),
  );
  return { messages: messages.reverse(), lone: lone.flatMap((page) => page.messages), hasMore: has_more };
}

/** For each sender without a text among the newest: their last known text, unless it was seen. */
function lastTexts(known: Message[], newest: Message[]): Message[] {
  const first = Math.min(...newest.map(({ id }) => id));
  const texts = (messages: Message[]) => messages.filter(({ message_type }) => message_type === "text");
  const last = new Map(texts(known.filter(({ id }) => id < first)).map((text) => [text.sender, text]));
  for (const { sender } of texts(newest)) last.delete(sender);
  return [...last.values()].filter(({ status }) => status !== "seen");
}

/**
 * Combines the fetched messages with the known ones. What became known during the fetch is kept: newer
 * messages, and statuses that went further. Where there is a gap before the fetched messages, everything
 * before it is dropped.
 * @param asked the thread as it was when the fetch began
 */
export function joined(
  { asked, now }: { asked: Thread | undefined; now: Thread | undefined },
  fetched: Fetched,
): Omit<Thread, "isFresh"> {
  const { hasMore } = fetched;
  const newest = asOfNow(fetched.messages, asked, now);
  const lone = asOfNow(fetched.lone, asked, now);
  const first = newest[0]?.id ?? 0;
  const last = newest[newest.length - 1]?.id ?? 0;
  const known = now?.messages ?? [];
  const before = known.filter(({ id }) => id < first)
    .map((message) => lone.find(({ id }) => id === message.id) ?? message);
  const askedIds = new Set(asked?.messages.map(({ id }) => id));
  const after = known.filter(({ id }) => id > last && !askedIds.has(id));
  // If the service has nothing before the fetched messages, older known ones belong to an earlier
  // conversation with the same number.
  const touches = hasMore && first <= (now?.wholeTo ?? 0) && known.some(({ id }) => id === first);
  if (!now || !touches || before.length === 0) {
    return { messages: [...newest, ...after], hasMore, wholeTo: last };
  }
  const messages = inOrder([...before, ...newest, ...after]);
  return { messages, hasMore: hasMore && now.hasMore, wholeTo: last };
}

/**
 * The thread with a page of messages from before its oldest one. Null if the thread begins with another
 * message than `oldest`, before which the page was asked for: it has been replaced during the fetch, and what
 * lies between the page and its beginning is not known.
 */
export function withOlder(thread: Thread | undefined, oldest: Message, page: Page): Thread | null {
  if (thread?.messages[0]?.id !== oldest.id) return null;
  return {
    ...thread,
    messages: [...[...page.messages].reverse(), ...thread.messages],
    hasMore: page.has_more,
  };
}

/**
 * The fetched messages, each with the further of its fetched status and one that became known during the
 * fetch.
 */
function asOfNow(fetched: Message[], asked: Thread | undefined, now: Thread | undefined): Message[] {
  if (!now || now.messages === asked?.messages) return fetched;
  const wanted = new Set(fetched.map(({ id }) => id));
  const statuses = (thread: Thread | undefined) =>
    new Map(thread?.messages.filter(({ id }) => wanted.has(id)).map(({ id, status }) => [id, status]));
  const [before, since] = [statuses(asked), statuses(now)];
  return fetched.map((message) => {
    const status = since.get(message.id);
    if (!status || status === before.get(message.id)) return message;
    return { ...message, status: further(message.status, status) };
  });
}

/**
 * A thread from storage. Its newest own messages may be known only by the answers to their sends, so
 * `wholeTo` ends before them.
 */
export function kept(messages: Message[], peer: string): Thread {
  const told = messages.filter(({ sender, status }) => sender === peer || status !== "created");
  return { messages, hasMore: true, isFresh: false, wholeTo: told[told.length - 1]?.id ?? 0 };
}

/** The messages after this text was marked as seen. */
export function withSeen(messages: Message[], textId: number): Message[] {
  return inOrder(messages.map((message) => message.id === textId ? { ...message, status: "seen" } : message));
}

/**
 * Makes statuses consistent: a delivered message implies that all before it by the same sender are delivered,
 * and a seen text implies that all texts before it are seen.
 */
function inOrder(messages: Message[]): Message[] {
  const told = new Set<string>();
  const saw = new Set<string>();
  const ordered: Message[] = [];
  for (const message of [...messages].reverse()) {
    const { sender, message_type } = message;
    const isText = message_type === "text";
    const least = isText && saw.has(sender) ? "seen" : told.has(sender) ? "delivered" : "created";
    const status = further(message.status, least);
    ordered.push(status === message.status ? message : { ...message, status });
    if (status !== "created") told.add(sender);
    if (isText && status === "seen") saw.add(sender);
  }
  return ordered.reverse();
}

function further(one: Message["status"], other: Message["status"]): Message["status"] {
  const statuses = ["created", "delivered", "seen"] as const;
  return statuses[Math.max(statuses.indexOf(one), statuses.indexOf(other))]!;
}

/** Adds a sent message, unless it is already known. */
export function withMessage(messages: Message[], message: Message): Message[] {
  if (messages.some(({ id }) => id === message.id)) return messages;
  return [...messages, message].sort((a, b) => a.id - b.id);
}

/** The list with one contact replaced, or removed if it is null, in the order of the service. */
export function withContact(contacts: Contact[], phone: string, contact: Contact | null): Contact[] {
  const others = contacts.filter(({ phone_number }) => phone_number !== phone);
  if (!contact) return others;
  const at = others.findIndex((other) => isBefore(contact, other));
  others.splice(at === -1 ? others.length : at, 0, contact);
  return others;
}

/** The newest `last_touch_at` first; equal ones by number. */
function isBefore(one: Contact, other: Contact): boolean {
  return one.last_touch_at === other.last_touch_at
    ? one.phone_number < other.phone_number
    : one.last_touch_at > other.last_touch_at;
}
