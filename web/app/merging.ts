// What is known and what was fetched, put together; and how little has to be fetched for that.

import type { Contact, Message, Page } from "../client.ts";
import type { Thread } from "./model.ts";

/** So many are fetched at once, unless fewer will do. */
export const PAGE_COUNT = 40;
/** So many may have come at once. */
const NEW_MAX = 5;

/**
 * Fetches as many of the newest messages as may be other than they are known, and where that finds more that are new, a
 * whole page: what was seen stays as it is.
 * @returns oldest first
 */
export async function fetchNewest(
  known: Thread | undefined,
  fetch: (query: { count: number; before?: number }) => Promise<Page>,
): Promise<{ messages: Message[]; hasMore: boolean }> {
  const newest = known?.isFresh ? known.messages.slice(-PAGE_COUNT) : [];
  const unseenAt = newest.findIndex(({ status }) => status !== "seen");
  const at = unseenAt === -1 ? newest.length - 1 : unseenAt;
  const from = newest[at]?.id ?? 0;
  const count = from ? Math.min(newest.length - at + NEW_MAX, PAGE_COUNT) : PAGE_COUNT;
  let { messages, has_more } = await fetch({ count });
  const oldest = messages[messages.length - 1];
  if (has_more && oldest && oldest.id > from && messages.length < PAGE_COUNT) {
    const rest = await fetch({ count: PAGE_COUNT - messages.length, before: oldest.id });
    messages = [...messages, ...rest.messages];
    has_more = rest.has_more;
  }
  return { messages: messages.reverse(), hasMore: has_more };
}

/**
 * The newest with what is known around them: messages do not go, so that what is known and newer has come meanwhile. Where
 * there is a gap, what is known before it is dropped.
 */
export function joined(
  known: Thread | undefined,
  newest: Message[],
  hasMore: boolean,
): Omit<Thread, "isFresh"> {
  const messages = known?.messages ?? [];
  const [first, last] = [newest[0], newest[newest.length - 1]];
  if (!first || !last) return { messages, hasMore: false };
  const before = messages.filter(({ id }) => id < first.id);
  const after = messages.filter(({ id }) => id > last.id);
  const touches = !hasMore || messages.some(({ id }) => id === first.id);
  if (!known || !touches || before.length === 0) return { messages: [...newest, ...after], hasMore };
  return { messages: inOrder([...before, ...newest, ...after]), hasMore: hasMore && known.hasMore };
}

/** Whoever was told of a message was told of those before it, and whoever saw a text saw the texts before it. */
function inOrder(messages: Message[]): Message[] {
  const told = new Set<string>();
  const saw = new Set<string>();
  const ordered: Message[] = [];
  for (const message of [...messages].reverse()) {
    const { sender, message_type, status } = message;
    const isText = message_type === "text";
    const least = isText && saw.has(sender) ? "seen" : told.has(sender) ? "delivered" : "created";
    const isLess = status === "created" || (status === "delivered" && least === "seen");
    ordered.push(isLess && status !== least ? { ...message, status: least } : message);
    if (status !== "created") told.add(sender);
    if (isText && status === "seen") saw.add(sender);
  }
  return ordered.reverse();
}

export function withMessage(messages: Message[], message: Message): Message[] {
  const others = messages.filter(({ id }) => id !== message.id);
  return [...others, message].sort((a, b) => a.id - b.id);
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
