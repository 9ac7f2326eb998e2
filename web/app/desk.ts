// Between the client and the pages: fetches what the service says has changed, and remembers it for the time without a
// network.

import type { Client, Contact, Message, Notice } from "../client.ts";
import { createFetches } from "./fetches.ts";
import { fetchNewest, joined, kept, PAGE_COUNT, withContact, withMessage, withSeen } from "./merging.ts";
import { EMPTY, keepSame, type Model, type Store, type Thread } from "./model.ts";

/** A window may stay open for longer than a session lasts. */
const RENEW_LOOK_MS = 6 * 60 * 60 * 1_000;
/** So many messages of a thread are kept for the time without a network. */
const REMEMBERED_MAX = 40;
/** After a refusal it is so long not said again that texts were seen. */
const READ_AGAIN_MS = 5_000;
/** More rows than so many are fetched with the whole list. */
const ROWS_MAX = 3;

/** What the pages cannot do without. */
const CONTACT_TEXTS = ["phone_number", "display_name", "status", "last_touch_at"] as const;
const MESSAGE_TEXTS = ["sender", "message_type", "message", "created_at", "status"] as const;

export type Desk = ReturnType<typeof createDesk>;

export function createDesk(
  client: Client,
  store: Store<Model>,
  { onNews, onNothingNew }: {
    /** Told of new messages from somebody, with how many are unread now. */
    onNews: (contact: Contact) => void;
    /** Told of whom there is nothing unread. */
    onNothingNew: (phones: string[]) => void;
  },
) {
  const fetches = createFetches({ isOnline: () => client.live.state() === "online" });
  /** What of the model is kept already. */
  const remembered = new Map<string, object[]>();
  /** How often everything had to be fetched anew. */
  let openings = 0;
  /** Of whom the row of the list is to be fetched; null for the whole list. */
  let wanted: Set<string> | null = null;

  function fetchContacts(): Promise<void> {
    wanted = null;
    return fetches.untilAnswered("contacts", catchUp);
  }

  /** A message changes one row of the list. */
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
      // Otherwise the whole list is on its way.
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
   * Changes the list, and takes the answer for it. The list is fetched where something newer may be known by then, and
   * where no answer came, because it may be changed all the same.
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
      // With another socket since, something may have changed that this one was not told of.
      const isFresh = opened === openings;
      const now = store.get().threads[phone];
      keepThread(phone, { ...joined({ asked: known, now }, fetched), isFresh });
    });

  /** A thread that was fetched is another object each time: who looks at it says again what could not be said before. */
  function keepThread(phone: string, fetched: Thread): void {
    const known = store.get().threads[phone]?.messages ?? [];
    const thread = { ...fetched, messages: keepSame(known, fetched.messages, ({ id }) => id) };
    store.set({ threads: { ...store.get().threads, [phone]: thread } });
    remember(`thread ${phone}`, thread.messages, REMEMBERED_MAX);
  }

  /** Of whom the list shows no more there is no conversation: who has the number next begins another. */
  function forgetThread({ phone_number: phone }: Contact): void {
    if (store.get().threads[phone]) {
      keepThread(phone, { messages: [], hasMore: false, isFresh: false, wholeTo: 0 });
    } else remember(`thread ${phone}`, []);
  }

  /** For the time without a network. What could not be kept is tried again with the next fetch. */
  function remember(key: string, rows: object[], newestOnly = rows.length): void {
    if (remembered.get(key) === rows) return;
    remembered.set(key, rows);
    client.seen.put(key, rows.slice(-newestOnly)).catch(() => remembered.delete(key));
  }

  const fetchOlder = (phone: string) =>
    fetches.once(`older ${phone}`, async () => {
      const thread = store.get().threads[phone];
      const oldest = thread?.messages[0];
      if (!thread?.hasMore || !oldest) return;
      const page = await client.messages(phone, { count: PAGE_COUNT, before: oldest.id });
      const now = store.get().threads[phone]!;
      const known = new Set(now.messages.map(({ id }) => id));
      const older = [...page.messages].reverse().filter(({ id }) => !known.has(id));
      keepThread(phone, { ...now, messages: [...older, ...now.messages], hasMore: page.has_more });
    });

  /** Shows a thread: what is remembered of it at once, then what the service has. */
  async function openThread(phone: string): Promise<void> {
    if (!store.get().threads[phone]) {
      const messages = await client.seen.get<Message>(`thread ${phone}`, MESSAGE_TEXTS);
      if (messages && !store.get().threads[phone]) {
        keepThread(phone, kept(messages, phone));
      }
    }
    if (!store.get().threads[phone]?.isFresh) await fetchThread(phone);
  }

  /** Says that the texts of a person were seen as far as they are here, where some were not. */
  async function readTexts(phone: string): Promise<void> {
    if (!newestUnseen(phone)) return;
    const refusal = await fetches.once(`read ${phone}`, async () => {
      const newest = newestUnseen(phone);
      if (!newest) return;
      await client.read(phone, newest.id);
      // The newest page, which is fetched now, may not reach as far.
      const thread = store.get().threads[phone];
      if (thread) keepThread(phone, { ...thread, messages: withSeen(thread.messages, newest.id) });
    });
    // Whoever looks at the thread says it again as soon as that has been fetched.
    if (refusal) await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS));
    await Promise.all([fetchContact(phone), fetchThread(phone)]);
  }

  /** Says that an audio or a video was played. */
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

  /** Begins for whoever is signed in, with what was last seen. */
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
    // Somebody else has begun since.
    if (client.session()?.phone_number !== session.phone_number) return;
    store.set({ outbox, ending: null });
    client.live.open();
  }

  setInterval(() => client.renew().catch(() => {}), RENEW_LOOK_MS);
  client.live.onNotice(hear);
  client.live.onState((connection) => {
    if (connection !== "online") fetches.dropRetries();
    // Who is not online is not told whom others have become friends with meanwhile.
    store.set(connection === "online" ? { connection } : { connection, areContactsFresh: false });
  });
  client.onSession((session) => {
    const known = store.get().session;
    // A renewal is no reason to begin anew.
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
