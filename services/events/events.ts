/** Something that changed, for whom. What a client hears of it is a hint to fetch again. */
export type Event = ContactsUpdated | MessagesUpdated | SessionsUpdated | SessionEnded | AccountDeleted;

/** Total over their names: one that is missing here would be understood by no other process. */
const NAMES: Record<Event["event"], true> = {
  contacts_updated: true,
  messages_updated: true,
  sessions_updated: true,
  session_ended: true,
  account_deleted: true,
};

export function isEventName(name: unknown): name is Event["event"] {
  return typeof name === "string" && Object.hasOwn(NAMES, name);
}

interface ForUser {
  /** The user to be told. */
  to: number;
  /** The session that did it and need not be told. */
  except?: string;
}

interface ContactsUpdated extends ForUser {
  event: "contacts_updated";
  /** Somebody asks this user to be friends. */
  asks?: true;
}

export interface MessagesUpdated extends ForUser {
  event: "messages_updated";
  /** The other party of the changed thread, in E.164. */
  sender: string;
  /** The message that counts as delivered once a socket has been told. */
  delivery?: Delivery;
}

/** The user's list of sessions has one more or one less. */
interface SessionsUpdated extends ForUser {
  event: "sessions_updated";
}

interface SessionEnded {
  to: number;
  event: "session_ended";
  session_id: string;
}

/** The user is none any more, nor are the pairs that he was one of. */
interface AccountDeleted extends ForUser {
  event: "account_deleted";
}

export interface Delivery {
  conversation_id: number;
  message_id: number;
  sender_id: number;
}
