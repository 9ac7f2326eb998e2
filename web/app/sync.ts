// Synchronizes the model of the pages with the service: fetches what the service says has changed, and stores
// it for use without a network.

import type { Client, Contact, Message, Notice } from "../client.ts";
import { createFetches } from "./fetches.ts";
import {
  fetchNewest,
  joined,
  kept,
  PAGE_COUNT,
  withContact,
  withMessage,
  withOlder,
  withSeen,
} from "./merging.ts";
import { EMPTY, keepSame, type Model, type Store, type Thread } from "./model.ts";

/**
 * How often to look whether the session has to be renewed: a window may stay open longer than a session
 * lasts.
 */
const RENEW_LOOK_MS = 6 * 60 * 60 * 1_000;
/** How many messages of a thread are stored for use without a network. */
const REMEMBERED_MAX = 40;
/** How long to wait after a failed read receipt before it is sent again. */
const READ_AGAIN_MS = 5_000;
/** If more contacts than this have changed, the whole list is fetched. */
const ROWS_MAX = 3;

/** Fields that stored rows must have. */
const CONTACT_TEXTS = ["phone_number", "display_name", "status", "last_touch_at"] as const;
const MESSAGE_TEXTS = ["sender", "message_type", "message", "created_at", "status"] as const;

export type Sync = ReturnType<typeof createSync>;

export function createSync(
  client: Client,
  store: Store<Model>,
  { onNews, onNothingNew }: {
    /** Called for a contact with new messages; its `unread_messages` is current. */
    onNews: (contact: Contact) => void;
    /** Called with the numbers that have no unread messages. */
    onNothingNew: (phones: string[]) => void;
  },
) {
  const fetches = createFetches({ isOnline: () => client.live.state() === "online" });
  /** The rows last stored under each key. */
  const remembered = new Map<string, object[]>();
  /** How often everything had to be fetched again. */
  let openings = 0;
  /** Numbers whose contact has to be fetched; null for the whole list. */
  let wanted: Set<string> | null = null;

  function fetchContacts(): Promise<void> {
    wanted = null;
    return fetches.untilAnswered("contacts", catchUp);
  }

  /** Fetches a single contact, for changes by a message. */
  function fetchContact(phone: string): Promise<void> {
    wanted?.add(phone);
    return fetches.untilAnswered("contacts", catchUp);
  }

  async function catchUp(): Promise<void> {
    const phones = wanted;
    wanted = new Set();
    try {
      if (!phones || phones.size > ROWS_MAX || !store.get().areContactsFresh) {
        return keepContacts(await client.contacts());
      }
      const rows = await Promise.all(
        [...phones].map(async (phone) => [phone, await client.contact(phone)] as const),
      );
      const { contacts, areContactsFresh } = store.get();
      // Otherwise the whole list is being fetched.
      if (!contacts || !areContactsFresh) return;
      keepContacts(rows.reduce((list, [phone, contact]) => withContact(list, phone, contact), contacts));
    } catch (error) {
      wanted = null;
      throw error;
    }
  }

  function keepContacts(fetched: Contact[]): void {
    const known = store.get().contacts;
    const contacts = keepSame(known ?? [], fetched, ({ phone_number }) => phone_number);
    const before = new Map(known?.map((one) => [one.phone_number, one.unread_messages]));
    store.set({ contacts, areContactsFresh: true });
    remember("contacts", contacts);
    const listed = new Set(contacts.map(({ phone_number }) => phone_number));
    known?.filter(({ phone_number }) => !listed.has(phone_number)).forEach(forgetThread);
    for (const contact of contacts) {
      const known = before.get(contact.phone_number);
      if (known !== undefined && contact.unread_messages > known) onNews(contact);
    }
    onNothingNew(contacts.filter((one) => one.unread_messages === 0).map((one) => one.phone_number));
  }

  /**
   * Makes a change and takes the list from its answer. The list is fetched anew if something newer may have
   * become known during the call; also if the call failed, because the change may have been made all the
   * same.
   */
  async function change<Answer extends { contacts: Contact[] }>(
    call: () => Promise<Answer>,
  ): Promise<Answer> {
    const known = store.get().contacts;
    try {
      const answer = await call();
      if (store.get().contacts !== known || fetches.isRunning("contacts")) await fetchContacts();
      else keepContacts(answer.contacts);
      return answer;
    } catch (error) {
      fetchContacts();
      throw error;
    }
  }

  const fetchThread = (phone: string) =>
    fetches.untilAnswered(`thread ${phone}`, async () => {
      const known = store.get().threads[phone];
      const opened = openings;
      const fetched = await fetchNewest(known, (query) => client.messages(phone, query));
      // If the socket has been replaced since, this answer may miss a change that nobody was told of.
      const isFresh = opened === openings;
      const now = store.get().threads[phone];
      keepThread(phone, { ...joined({ asked: known, now }, fetched), isFresh });
    });

  /**
   * Stores a thread as a new object, even where nothing in it has changed: effects that depend on it run
   * again and repeat a read receipt that failed.
   */
  function keepThread(phone: string, fetched: Thread): void {
    const known = store.get().threads[phone]?.messages ?? [];
    const thread = { ...fetched, messages: keepSame(known, fetched.messages, ({ id }) => id) };
    store.set({ threads: { ...store.get().threads, [phone]: thread } });
    remember(`thread ${phone}`, thread.messages, REMEMBERED_MAX);
  }

  /**
   * Forgets the thread of a contact that has left the list: whoever gets the number next starts a new
   * conversation.
   */
  function forgetThread({ phone_number: phone }: Contact): void {
    if (store.get().threads[phone]) {
      keepThread(phone, { messages: [], hasMore: false, isFresh: false, wholeTo: 0 });
    } else remember(`thread ${phone}`, []);
  }

  /** Stores rows for use without a network. If that fails it is tried again after the next fetch. */
  function remember(key: string, rows: object[], newestOnly = rows.length): void {
    if (remembered.get(key) === rows) return;
    remembered.set(key, rows);
    client.seen.put(key, rows.slice(-newestOnly)).catch(() => remembered.delete(key));
  }

  const fetchOlder = (phone: string) =>
    fetches.untilAnswered(`older ${phone}`, async () => {
      const thread = store.get().threads[phone];
      const oldest = thread?.messages[0];
      if (!thread?.hasMore || !oldest) return;
      const page = await client.messages(phone, { count: PAGE_COUNT, before: oldest.id });
      const longer = withOlder(store.get().threads[phone], oldest, page);
      if (longer) keepThread(phone, longer);
    });

  /** Loads a thread: first what is stored, then what the service has. */
  async function openThread(phone: string): Promise<void> {
    if (!store.get().threads[phone]) {
      const messages = await client.seen.get<Message>(`thread ${phone}`, MESSAGE_TEXTS);
      if (messages && !store.get().threads[phone]) {
        keepThread(phone, kept(messages, phone));
      }
    }
    if (!store.get().threads[phone]?.isFresh) await fetchThread(phone);
  }

  /** Marks the texts of a peer as seen up to the newest one here, if any is unseen. */
  async function readTexts(phone: string): Promise<void> {
    if (!newestUnseen(phone)) return;
    const refusal = await fetches.once(`read ${phone}`, async () => {
      const newest = newestUnseen(phone);
      if (!newest) return;
      await client.read(phone, newest.id);
      // Applied here too, because the page that is fetched next may not reach back this far.
      const thread = store.get().threads[phone];
      if (thread) keepThread(phone, { ...thread, messages: withSeen(thread.messages, newest.id) });
    });
    // The open thread sends it again as soon as it has been fetched, so that is delayed.
    if (refusal) await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS));
    await Promise.all([fetchContact(phone), fetchThread(phone)]);
  }

  /** Marks an audio or video message as seen. */
  async function readMedia(phone: string, id: number): Promise<void> {
    await client.read(phone, id).finally(() => Promise.all([fetchContact(phone), fetchThread(phone)]));
  }

  function newestUnseen(phone: string): Message | undefined {
    return store.get().threads[phone]?.messages.filter((message) =>
      message.sender === phone && message.message_type === "text" && message.status !== "seen"
    ).pop();
  }

  function hear(notice: Notice): void {
    switch (notice.event) {
      case "connected":
      case "unheard": {
        openings += 1;
        const threads = Object.entries(store.get().threads);
        store.set({
          threads: Object.fromEntries(
            threads.map(([phone, thread]) => [phone, { ...thread, isFresh: false }]),
          ),
        });
        fetchContacts();
        for (const [phone] of threads) fetchThread(phone);
        client.renew().catch(() => {});
        return;
      }
      case "contacts_updated":
        return void fetchContacts();
      case "messages_updated":
        fetchContact(notice.sender);
        if (store.get().threads[notice.sender] || fetches.isRunning(`thread ${notice.sender}`)) {
          fetchThread(notice.sender);
        }
        return;
      case "sessions_updated":
        return;
      default:
        notice satisfies never;
    }
  }

  /** Starts with the current session, and with what is stored for it. */
  async function begin(): Promise<void> {
    const session = client.session();
    fetches.forget();
    remembered.clear();
    store.set({ ...EMPTY, session, ending: store.get().ending });
    client.live.close();
    if (!session) return;
    const contacts = await client.seen.get<Contact>("contacts", CONTACT_TEXTS);
    if (contacts && store.get().contacts === null) store.set({ contacts });
    const outbox = await client.outbox.list();
    // Another user has signed in meanwhile.
    if (client.session()?.phone_number !== session.phone_number) return;
    store.set({ outbox, ending: null });
    client.live.open();
  }

  setInterval(() => client.renew().catch(() => {}), RENEW_LOOK_MS);
  client.live.onNotice(hear);
  client.live.onState((connection) => {
    if (connection !== "online") fetches.dropRetries();
    // While offline, changes of the contact list are not announced.
    store.set(connection === "online" ? { connection } : { connection, areContactsFresh: false });
  });
  client.onSession((session) => {
    const known = store.get().session;
    // The same user with a renewed token.
    if (session && known && session.phone_number === known.phone_number) store.set({ session });
    else begin();
  });
  client.onEnded((ending) => store.set({ ending }));
  client.outbox.onChange((outbox) => store.set({ outbox }));
  client.outbox.onProgress(({ client_id, share }) =>
    store.set({ progress: { ...store.get().progress, [client_id]: share } })
  );
  client.outbox.onSent((message) => {
    const thread = store.get().threads[message.receiver];
    if (thread) keepThread(message.receiver, { ...thread, messages: withMessage(thread.messages, message) });
    fetchContact(message.receiver);
  });

  return { begin, change, openThread, fetchOlder, readTexts, readMedia };
}
