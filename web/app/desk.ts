// Between the client and the pages: fetches what the service says has changed, and remembers it for the time without a
// network. Hints that arrive while a fetch is under way cause one more fetch, not one each.

import { ApiError, type Client, type Contact, type Message, type Notice, PASSING } from "../client.ts";
import { createBackoff } from "../client/backoff.ts";
import { EMPTY, keepSame, type Model, type Store, type Thread } from "./model.ts";

/** A window may stay open for longer than a session lasts. */
const RENEW_LOOK_MS = 6 * 60 * 60 * 1_000;
/** So many messages of a thread are kept for the time without a network. */
const REMEMBERED_MAX = 40;
/** After a refusal it is so long not said again that texts were seen. */
const READ_AGAIN_MS = 5_000;

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
  const fetches = new Map<string, { again: boolean }>();
  /** What of the model is kept already. */
  const remembered = new Map<string, object[]>();
  /** None without an open socket: with the next one everything is fetched. */
  const retries = new Map<string, ReturnType<typeof setTimeout>>();

  /** Fetches what is hinted at once: where the service could not answer it is asked again, later each time. */
  async function untilAnswered(
    key: string,
    fetch: () => Promise<void>,
    backoff = createBackoff(),
  ): Promise<void> {
    clearTimeout(retries.get(key));
    const refusal = await once(key, fetch);
    if (!refusal || !PASSING.includes(refusal.code) || client.live.state() !== "online") return;
    const waitMs = Math.max(backoff.nextMs(), (refusal.retryAfter ?? 0) * 1_000);
    clearTimeout(retries.get(key));
    retries.set(key, setTimeout(() => untilAnswered(key, fetch, backoff), waitMs));
  }

  function dropRetries(): void {
    for (const timer of retries.values()) clearTimeout(timer);
    retries.clear();
  }

  /**
   * Runs a fetch, and once more where it was asked for meanwhile.
   * @returns why it failed, unless its person has left since
   */
  async function once(key: string, fetch: () => Promise<void>): Promise<ApiError | null> {
    const running = fetches.get(key);
    if (running) {
      running.again = true;
      return null;
    }
    const mine = { again: true };
    fetches.set(key, mine);
    try {
      while (mine.again) {
        mine.again = false;
        await fetch();
      }
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return fetches.get(key) === mine ? error : null;
    } finally {
      if (fetches.get(key) === mine) fetches.delete(key);
    }
  }

  function keepContacts(fetched: Contact[]): void {
    const known = store.get().contacts;
    const contacts = keepSame(known ?? [], fetched, ({ phone_number }) => phone_number);
    const before = new Map(known?.map((one) => [one.phone_number, one.unread_messages]));
    store.set({ contacts, areContactsFresh: true });
    remember("contacts", contacts);
    for (const contact of contacts) {
      const known = before.get(contact.phone_number);
      if (known !== undefined && contact.unread_messages > known) onNews(contact);
    }
    onNothingNew(contacts.filter((one) => one.unread_messages === 0).map((one) => one.phone_number));
  }

  const fetchContacts = () => untilAnswered("contacts", async () => keepContacts(await client.contacts()));

  const fetchThread = (phone: string) =>
    untilAnswered(`thread ${phone}`, async () => {
      const page = await client.messages(phone);
      keepThread(phone, joined(store.get().threads[phone], [...page.messages].reverse(), page.has_more));
    });

  /** A thread that was fetched is another object each time: who looks at it says again what could not be said before. */
  function keepThread(phone: string, fetched: Thread): void {
    const known = store.get().threads[phone]?.messages ?? [];
    const thread = { ...fetched, messages: keepSame(known, fetched.messages, ({ id }) => id) };
    store.set({ threads: { ...store.get().threads, [phone]: thread } });
    remember(`thread ${phone}`, thread.messages, REMEMBERED_MAX);
  }

  /** For the time without a network. What could not be kept is tried again with the next fetch. */
  function remember(key: string, rows: object[], newestOnly = rows.length): void {
    if (remembered.get(key) === rows) return;
    remembered.set(key, rows);
    client.seen.put(key, rows.slice(-newestOnly)).catch(() => remembered.delete(key));
  }

  const fetchOlder = (phone: string) =>
    once(`older ${phone}`, async () => {
      const thread = store.get().threads[phone];
      const oldest = thread?.messages[0];
      if (!thread?.hasMore || !oldest) return;
      const page = await client.messages(phone, oldest.id);
      const now = store.get().threads[phone]!;
      const known = new Set(now.messages.map(({ id }) => id));
      const older = [...page.messages].reverse().filter(({ id }) => !known.has(id));
      keepThread(phone, { ...now, messages: [...older, ...now.messages], hasMore: page.has_more });
    });

  /** Shows a thread: what is remembered of it at once, then what the service has. */
  async function openThread(phone: string): Promise<void> {
    if (!store.get().threads[phone]) {
      const messages = await client.seen.get<Message[]>(`thread ${phone}`);
      if (messages && !store.get().threads[phone]) {
        keepThread(phone, { messages, hasMore: true, isFresh: false });
      }
    }
    if (!store.get().threads[phone]?.isFresh) await fetchThread(phone);
  }

  /** Says that the texts of a person were seen as far as they are here, where some were not. */
  async function readTexts(phone: string): Promise<void> {
    if (!newestUnseen(phone)) return;
    const refusal = await once(`read ${phone}`, async () => {
      const newest = newestUnseen(phone);
      if (newest) await client.read(newest.id);
    });
    // Whoever looks at the thread says it again as soon as that has been fetched.
    if (refusal) await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS));
    await Promise.all([fetchContacts(), fetchThread(phone)]);
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
        fetchContacts();
        if (store.get().threads[notice.sender]) fetchThread(notice.sender);
    }
  }

  /** Begins for whoever is signed in, with what was last seen. */
  async function begin(): Promise<void> {
    const session = client.session();
    // What is under way is for whoever was here before.
    fetches.clear();
    remembered.clear();
    store.set({ ...EMPTY, session, wasRevoked: store.get().wasRevoked });
    client.live.close();
    if (!session) return;
    const contacts = await client.seen.get<Contact[]>("contacts");
    if (contacts && store.get().contacts === null) store.set({ contacts });
    const outbox = await client.outbox.list();
    // Somebody else has begun since.
    if (client.session()?.phone_number !== session.phone_number) return;
    store.set({ outbox, wasRevoked: false });
    client.live.open();
  }

  setInterval(() => client.renew().catch(() => {}), RENEW_LOOK_MS);
  client.live.onNotice(hear);
  client.live.onState((connection) => {
    if (connection !== "online") dropRetries();
    // Who is not online is not told whom others have become friends with meanwhile.
    store.set(connection === "online" ? { connection } : { connection, areContactsFresh: false });
  });
  client.onSession((session) => {
    const known = store.get().session;
    // A renewal is no reason to begin anew.
    if (session && known && session.phone_number === known.phone_number) store.set({ session });
    else begin();
  });
  client.onEnded((why) => store.set({ wasRevoked: why === "revoked" }));
  client.outbox.onChange((outbox) => store.set({ outbox }));
  client.outbox.onProgress(({ client_id, share }) =>
    store.set({ progress: { ...store.get().progress, [client_id]: share } })
  );
  client.outbox.onSent((message) => {
    const thread = store.get().threads[message.receiver];
    if (thread) keepThread(message.receiver, { ...thread, messages: withMessage(thread.messages, message) });
    fetchContacts();
  });

  return { begin, keepContacts, fetchContacts, fetchThread, openThread, fetchOlder, readTexts };
}

/** The newest page and what is known before it; where there is a gap between the two, only the page. */
function joined(known: Thread | undefined, page: Message[], pageHasMore: boolean): Thread {
  const first = page[0];
  const before = known?.messages.filter(({ id }) => !first || id < first.id) ?? [];
  const touches = !pageHasMore || known?.messages.some(({ id }) => id === first?.id);
  if (!known || !touches || before.length === 0) {
    return { messages: page, hasMore: pageHasMore, isFresh: true };
  }
  return { messages: [...before, ...page], hasMore: pageHasMore && known.hasMore, isFresh: true };
}

function withMessage(messages: Message[], message: Message): Message[] {
  const others = messages.filter(({ id }) => id !== message.id);
  return [...others, message].sort((a, b) => a.id - b.id);
}
