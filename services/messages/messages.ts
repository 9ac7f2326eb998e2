// Sending messages and reading threads.

import type { Database } from "../../db/connection/database.ts";
import type { Marks as MarkRow } from "../../db/conversations.ts";
import { type Content, listMessages, type MessageRow, type MessageType } from "../../db/messages.ts";
import { statusOf } from "../contacts/contact_state.ts";
import { AppError } from "../errors.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { SideReader } from "../side_reader.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Marks } from "./marks.ts";
import type { Newest, NewestRows } from "./newest.ts";
import type { Sends } from "./sends.ts";
import type { Threads } from "./threads.ts";

export type MessageStatus = "created" | "delivered" | "seen";

/** A message from the view of one of the two. Only its sender gets `client_id`. */
export interface Message {
  id: number;
  sender: string;
  receiver: string;
  message: string;
  message_type: MessageType;
  media_type: string | null;
  media_content_id: number | null;
  /** Seconds; null for text. */
  duration: number | null;
  status: MessageStatus;
  created_at: Date;
  client_id?: string | null;
}

export interface Page {
  count: number;
  before: number | null;
  after: number | null;
}

export interface Outgoing extends Content {
  phone: PhoneNumber;
}

/** Callers may cache by identity: the same object always has the same content. */
export interface MessagePage {
  messages: Message[];
  has_more: boolean;
}

/** A page, and the marks from which its statuses were derived. */
interface Shown {
  by: string;
  page: MessagePage;
}

export type Messages = ReturnType<typeof createMessages>;

export function createMessages(
  { database, threads, sideReader, newest, sends, marks, deliveries }: {
    database: Database;
    threads: Threads;
    sideReader: SideReader;
    newest: Newest;
    sends: Sends;
    marks: Marks;
    deliveries: Deliveries;
  },
) {
  /**
   * The newest page that each of the two users was last given, for each version of a thread's newest rows.
   */
  const shownLast = new WeakMap<NewestRows, Map<number, Shown>>();

  /**
   * Sends a message.
   * @throws AppError recipient_not_found, not_friends, client_id_reused, invalid_media, rate_limited;
   * unavailable if the conversation no longer exists
   */
  async function send(me: Actor, { phone, ...content }: Outgoing): Promise<Message> {
    const thread = await threads.find(me, phone);
    if (!thread) throw new AppError("recipient_not_found");
    const { row, repeated } = await sends.add({ me, thread, phone, ...content });
    // A new message is unread by definition; a repeated one may have been seen long ago.
    const side = repeated ? await sideReader.read(thread.conversation_id, me.user_id) : null;
    return present(row, me, phone, side ?? UNREAD);
  }

  /**
   * A page of the thread, newest first. Messages on it that the reader received become delivered, and so do
   * all older ones.
   * @throws AppError contact_not_found
   */
  async function list(me: Actor, phone: PhoneNumber, page: Page): Promise<MessagePage> {
    const thread = await threads.find(me, phone);
    if (!thread) throw new AppError("contact_not_found");
    const { conversation_id } = thread;
    await deliveries.settle(thread, thread.peer_id);
    const isNewest = page.before === null && page.after === null;
    const count = page.count + 1;
    const [side, elsewhere] = await Promise.all([
      sideReader.read(conversation_id, me.user_id),
      isNewest ? null : database.run((sql) => listMessages(sql, conversation_id, { ...page, count })),
    ]);
    if (!side || statusOf(side) === null) throw new AppError("contact_not_found");
    const found = elsewhere === null
      ? await newest.read(conversation_id, side.newest_id, count)
      : { rows: elsewhere };

    const has_more = found.rows.length > page.count;
    const from = has_more && page.after !== null ? 1 : 0;
    const rows = found.rows.slice(from, from + page.count);
    const received = rows.find(({ sender_id }) => sender_id === thread.peer_id)?.id ?? 0;
    if (received > side.my_delivered_id) {
      await marks.delivered(me, thread, phone, received);
      side.my_delivered_id = received;
    }
    const by = [page.count, ...MARKS.map((mark) => side[mark])].join(" ");
    const last = shownLast.get(found)?.get(me.user_id);
    if (last?.by === by) return last.page;
    const made = { messages: rows.map((row) => present(row, me, phone, side)), has_more };
    if (isNewest) showLast(found, me, { by, page: made });
    return made;
  }

  /** Keeps a page, so that reading it again returns the same object while nothing has changed. */
  function showLast(found: NewestRows, { user_id }: Actor, shown: Shown): void {
    const byReader = shownLast.get(found) ?? new Map<number, Shown>();
    shownLast.set(found, byReader.set(user_id, shown));
  }

  return { send, list };
}

const MARKS = ["my_delivered_id", "my_seen_text_id", "peer_delivered_id", "peer_seen_text_id"] as const;

const UNREAD: MarkRow = {
  my_delivered_id: 0,
  my_seen_text_id: 0,
  peer_delivered_id: 0,
  peer_seen_text_id: 0,
};

function present(row: MessageRow, me: Actor, phone: PhoneNumber, marks: MarkRow): Message {
  const mine = row.sender_id === me.user_id;
  const [delivered, seen] = mine
    ? [marks.peer_delivered_id, marks.peer_seen_text_id]
    : [marks.my_delivered_id, marks.my_seen_text_id];
  // Texts are read in order, so one mark covers them; each media message is seen by itself.
  const isSeen = row.message_type === "text" ? row.id <= seen : row.seen_at !== null;
  const message: Message = {
    id: row.id,
    sender: mine ? me.phone_number : phone,
    receiver: mine ? phone : me.phone_number,
    message: row.message,
    message_type: row.message_type,
    media_type: row.media_type,
    media_content_id: row.media_content_id,
    duration: row.duration,
    status: isSeen ? "seen" : row.id <= delivered ? "delivered" : "created",
    created_at: row.created_at,
  };
  if (mine) message.client_id = row.client_id;
  return message;
}
