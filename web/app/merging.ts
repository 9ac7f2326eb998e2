// What is known and what was fetched, put together; and how little has to be fetched for that.

import type { Contact, Message, Page } from "../client.ts";
import type { Thread } from "./model.ts";

/** So many are fetched at once, unless fewer will do. */
export const PAGE_COUNT = 40;
/** Room for so many new ones. */
const NEW_ROOM = 5;

/** What was fetched of a conversation. */
export interface Fetched {
  /** The newest, oldest first. */
  messages: Message[];
  /** From before them; what is between is not there. */
  lone: Message[];
  hasMore: boolean;
}

/**
 * Fetches as many of the newest messages as may be other than they are known, and where that finds more that are new, a
 * whole page: what was seen stays as it is. Of whom those have no text, his last one before them as well, unless it was
 * seen: what of his was seen is known by the newest text that was.
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

/** Texts before the newest, of whoever has none among those: the last of each that was not seen. */
function lastTexts(known: Message[], newest: Message[]): Message[] {
  const first = Math.min(...newest.map(({ id }) => id));
  const texts = (messages: Message[]) => messages.filter(({ message_type }) => message_type === "text");
  const last = new Map(texts(known.filter(({ id }) => id < first)).map((text) => [text.sender, text]));
  for (const { sender } of texts(newest)) last.delete(sender);
  return [...last.values()].filter(({ status }) => status !== "seen");
}

/**
 * The newest with what is known around them: what is newer and has become known since they were asked for stays, also that
 * one of them was seen. Where there is a gap, what is known before it is dropped.
 * @param asked what was known when they were asked for
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
  // Where there is nothing before them, what is known before them is of another conversation, that was with the same number.
  const touches = hasMore && first <= (now?.wholeTo ?? 0) && known.some(({ id }) => id === first);
  if (!now || !touches || before.length === 0) {
    return { messages: [...newest, ...after], hasMore, wholeTo: last };
  }
  const messages = inOrder([...before, ...newest, ...after]);
  return { messages, hasMore: hasMore && now.hasMore, wholeTo: last };
}

/** What was fetched, with the status that became known while it was on its way, where that is further. */
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

/** A conversation as it was kept: own ones that nobody was told of may be known by the answers to their sends. */
export function kept(messages: Message[], peer: string): Thread {
  const told = messages.filter(({ sender, status }) => sender === peer || status !== "created");
  return { messages, hasMore: true, isFresh: false, wholeTo: told[told.length - 1]?.id ?? 0 };
}

/** After this text was seen. */
export function withSeen(messages: Message[], textId: number): Message[] {
  return inOrder(messages.map((message) => message.id === textId ? { ...message, status: "seen" } : message));
}

/** Whoever was told of a message was told of those before it, and whoever saw a text saw the texts before it. */
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

/** With one that was sent, unless it is known already, and perhaps more of it. */
export function withMessage(messages: Message[], message: Message): Message[] {
  if (messages.some(({ id }) => id === message.id)) return messages;
  return [...messages, message].sort((a, b) => a.id - b.id);
}

/** The list as the service orders it, with what one of its rows is now; null takes the row away. */
export function withContact(contacts: Contact[], phone: string, contact: Contact | null): Contact[] {
  const others = contacts.filter(({ phone_number }) => phone_number !== phone);
  if (!contact) return others;
  const at = others.findIndex((other) => isBefore(contact, other));
  others.splice(at === -1 ? others.length : at, 0, contact);
  return others;
}

/** Who was touched last comes first, of those at one time the lesser number. */
function isBefore(one: Contact, other: Contact): boolean {
  return one.last_touch_at === other.last_touch_at
    ? one.phone_number < other.phone_number
    : one.last_touch_at > other.last_touch_at;
}
