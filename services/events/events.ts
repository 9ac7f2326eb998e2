/** Something has changed for a user. Clients take it as a hint to fetch again. */
export type Event = ContactsUpdated | MessagesUpdated | SessionsUpdated | SessionEnded | AccountDeleted;

/** The type makes it a compile error to leave out a name, which other processes would then not understand. */
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
  /** Id of the user to be notified. */
  to: number;
  /** The session that made the change and is not notified. */
  except?: string;
}

interface ContactsUpdated extends ForUser {
  event: "contacts_updated";
  /** Present if it is a new friend request to this user. */
  asks?: true;
}

export interface MessagesUpdated extends ForUser {
  event: "messages_updated";
  /** Phone number of the other person in the thread, in E.164. */
  sender: string;
  /** The message that becomes delivered once a socket was notified. */
  delivery?: Delivery;
}

/** A session of the user began or ended. */
interface SessionsUpdated extends ForUser {
  event: "sessions_updated";
}

interface SessionEnded {
  to: number;
  event: "session_ended";
  session_id: string;
}

/** The account was deleted, together with all pairs it was part of. */
interface AccountDeleted extends ForUser {
  event: "account_deleted";
}

export interface Delivery {
  conversation_id: number;
  message_id: number;
  sender_id: number;
}
