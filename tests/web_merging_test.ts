// How little the web client fetches of a conversation and of the list, and that it still knows what the
// service has. The service is a model here; web_fetching_test.ts tests what a browser fetches.

import fc from "fast-check";
import { deepEqual, equal, ok } from "./assert.ts";
import { ANN, BOB } from "./support.ts";

/** Imported dynamically, because it has the types of browsers, which conflict with those of Deno. */
const MERGING: string = new URL("../web/app/merging.ts", import.meta.url).href;
const { fetchNewest, joined, PAGE_COUNT, withContact, withMessage, withOlder, withSeen } = await import(
  MERGING
);

interface Message {
  id: number;
  sender: string;
  receiver: string;
  message_type: "text" | "audio";
  status: typeof STATUSES[number];
}
interface Page {
  messages: Message[];
  has_more: boolean;
}
interface Query {
  count: number;
  before?: number;
}
interface Thread {
  messages: Message[];
  hasMore: boolean;
  isFresh: boolean;
  wholeTo: number;
}
interface Contact {
  phone_number: string;
  last_touch_at: string;
}

const STATUSES = ["created", "delivered", "seen"] as const;

/** A conversation as the service keeps it: delivery covers all up to the newest, texts are seen in order. */
function createService() {
  const messages: Message[] = [];
  const other = (phone: string) => phone === ANN ? BOB : ANN;
  return {
    messages,
    send(sender: string, message_type: Message["message_type"]) {
      messages.push({
        id: messages.length + 1,
        sender,
        receiver: other(sender),
        message_type,
        status: "created",
      });
    },
    move(id: number, status: Message["status"]) {
      const at = messages.findIndex((message) => message.id === id);
      const one = messages[at];
      if (one && STATUSES.indexOf(one.status) < STATUSES.indexOf(status)) messages[at] = { ...one, status };
    },
    deliver(to: string) {
      for (const { id, receiver } of messages) if (receiver === to) this.move(id, "delivered");
    },
    /** Texts up to the id `upTo`, and the media message with that id. */
    see(by: string, upTo: number) {
      this.deliver(by);
      for (const { id, receiver, message_type } of [...messages]) {
        if (receiver === by && (message_type === "text" ? id <= upTo : id === upTo)) this.move(id, "seen");
      }
    },
    page({ count, before = Infinity }: Query): Promise<Page> {
      const found = messages.filter(({ id }) => id < before);
      const page = found.slice(-count).reverse();
      return Promise.resolve({ messages: page, has_more: found.length > page.length });
    },
  };
}

type Service = ReturnType<typeof createService>;

async function fetched(service: Service, known: Thread | undefined): Promise<Thread & { asked: number }> {
  let asked = 0;
  const page = await fetchNewest(known, (query: Query) => {
    asked += query.count;
    return service.page(query);
  });
  return { ...joined({ asked: known, now: known }, page), isFresh: true, asked };
}

const person = fc.constantFrom(ANN, BOB);
const step = fc.oneof(
  fc.record({
    act: fc.constant("send" as const),
    by: person,
    count: fc.integer({ min: 1, max: 50 }),
    isText: fc.boolean(),
  }),
  // Sent from here, so it is known before it is fetched.
  fc.record({ act: fc.constant("answer" as const) }),
  fc.record({ act: fc.constant("deliver" as const), by: person }),
  // Counted back from the newest, so that mostly something new is seen.
  fc.record({ act: fc.constant("see" as const), by: person, back: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ act: fc.constant("fetch" as const) }),
  fc.record({ act: fc.constant("reopen" as const) }),
);

Deno.test("whatever happens between two fetches, the newest page is correct afterwards, and there is no gap", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const service = createService();
      let thread: Thread | undefined;
      for (const one of [...steps, { act: "fetch" as const }]) {
        const newest = service.messages.at(-1)?.id ?? 0;
        if (one.act === "send") {
          for (let nth = 0; nth < one.count; nth += 1) service.send(one.by, one.isText ? "text" : "audio");
        } else if (one.act === "answer") {
          service.send(ANN, "text");
          thread &&= { ...thread, messages: withMessage(thread.messages, service.messages.at(-1)!) };
        } else if (one.act === "deliver") service.deliver(one.by);
        else if (one.act === "see") service.see(one.by, newest - one.back);
        else if (one.act === "reopen") thread &&= { ...thread, isFresh: false };
        else {
          thread = await fetched(service, thread);
          const { messages, hasMore } = thread;
          deepEqual(
            messages.map(({ id }) => id),
            service.messages.slice(-messages.length || Infinity).map(({ id }) => id),
          );
          equal(hasMore, messages.length < service.messages.length);
          ok(messages.length >= Math.min(PAGE_COUNT, service.messages.length));
          deepEqual(messages.slice(-PAGE_COUNT), service.messages.slice(-PAGE_COUNT));
          // Earlier statuses are never ahead of the service's.
          for (const message of messages) {
            const now = service.messages.find(({ id }) => id === message.id)!;
            ok(STATUSES.indexOf(message.status) <= STATUSES.indexOf(now.status));
          }
        }
      }
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("in a conversation that goes back and forth, a message costs a few and not a page", async () => {
  const service = createService();
  for (let nth = 0; nth < 100; nth += 1) service.send(nth % 2 ? ANN : BOB, "text");
  service.see(ANN, 100);
  service.see(BOB, 100);
  let thread = await fetched(service, undefined);
  equal(thread.asked, PAGE_COUNT);
  service.send(BOB, "text");
  thread = await fetched(service, thread);
  ok(thread.asked <= 6, `${thread.asked}`);
  service.see(ANN, 101);
  thread = await fetched(service, thread);
  ok(thread.asked <= 6, `${thread.asked}`);
  equal(thread.messages.at(-1)!.status, "seen");
  equal(thread.messages.length, PAGE_COUNT + 1);
});

Deno.test("all texts that were seen at once are known to be seen, also those before the newest page", async () => {
  const service = createService();
  let thread: Thread | undefined;
  for (let nth = 0; nth < 100; nth += 1) {
    service.send(ANN, nth === 10 ? "audio" : "text");
    thread = await fetched(service, thread);
  }
  service.deliver(BOB);
  thread = await fetched(service, thread);
  deepEqual(new Set(thread.messages.map(({ status }) => status)), new Set(["delivered"]));
  service.see(BOB, 100);
  thread = await fetched(service, thread);
  deepEqual(thread.messages, service.messages);
  equal(thread.messages.filter(({ status }) => status === "delivered").length, 1);
});

Deno.test("a text is known to be seen, however many media came after it", async () => {
  const service = createService();
  let thread: Thread | undefined;
  service.send(ANN, "text");
  for (let nth = 0; nth < 60; nth += 1) {
    service.send(ANN, "audio");
    thread = await fetched(service, thread);
  }
  service.see(BOB, 1);
  const seen = await fetched(service, thread);
  deepEqual([seen.messages, seen.asked], [service.messages, PAGE_COUNT + 1]);
  // It is not fetched again.
  equal((await fetched(service, seen)).asked, PAGE_COUNT);
});

Deno.test("a message that was sent while the newest were fetched stays", async () => {
  const service = createService();
  service.send(ANN, "text");
  const thread = await fetched(service, undefined);
  const page = await fetchNewest(thread, service.page);
  service.send(ANN, "text");
  const now = { ...thread, messages: withMessage(thread.messages, service.messages.at(-1)!) };
  deepEqual(joined({ asked: thread, now }, page).messages, service.messages);
});

Deno.test("a text that was seen while an older answer was on its way stays seen, on the newest page and before it", async () => {
  for (const later of [0, 45]) {
    const service = createService();
    service.send(BOB, "text");
    for (let nth = 0; nth < later; nth += 1) service.send(BOB, "audio");
    const thread = { ...await fetched(service, undefined), messages: [...service.messages] };
    const page = await fetchNewest(thread, service.page);
    const now = { ...thread, messages: withSeen(thread.messages, 1) };
    equal(joined({ asked: thread, now }, page).messages[0]!.status, "seen");
  }
});

Deno.test("seen messages do not make others seen that have the same ids after a loss of data", async () => {
  const service = createService();
  service.send(BOB, "text");
  const asked = await fetched(service, undefined);
  const seen = { ...asked, messages: withSeen(asked.messages, 1) };
  const page = await fetchNewest(seen, service.page);
  equal(joined({ asked: seen, now: { ...seen } }, page).messages[0]!.status, "created");
});

Deno.test("a message from before one that was sent from here is fetched, however many came after", async () => {
  const service = createService();
  for (let nth = 0; nth < 10; nth += 1) service.send(BOB, "text");
  service.see(ANN, 10);
  const thread = await fetched(service, undefined);
  service.send(BOB, "text");
  service.send(ANN, "text");
  const now = { ...thread, messages: withMessage(thread.messages, service.messages.at(-1)!) };
  for (let nth = 0; nth < 5; nth += 1) service.send(BOB, "text");
  deepEqual((await fetched(service, now)).messages, service.messages);
});

Deno.test("older messages leave no gap, even if a newer page has replaced the messages before which they were requested", async () => {
  for (const later of [1, 2 * PAGE_COUNT]) {
    const service = createService();
    for (let nth = 0; nth < 2 * PAGE_COUNT; nth += 1) service.send(BOB, "text");
    const thread = await fetched(service, undefined);
    const oldest = thread.messages[0]!;
    const page = await service.page({ count: PAGE_COUNT, before: oldest.id });
    for (let nth = 0; nth < later; nth += 1) service.send(BOB, "text");
    const now = await fetched(service, { ...thread, isFresh: false });
    const { messages, hasMore } = withOlder(now, oldest, page) ?? now;
    deepEqual(messages, service.messages.slice(-messages.length));
    equal(hasMore, messages.length < service.messages.length);
  }
});

Deno.test("a late answer to a send takes no ticks back", async () => {
  const service = createService();
  service.send(ANN, "text");
  const sent = service.messages[0]!;
  service.see(BOB, 1);
  const { messages } = await fetched(service, undefined);
  deepEqual(withMessage(messages, sent), service.messages);
});

Deno.test("messages that the service does not have any more are not kept", async () => {
  const service = createService();
  for (let nth = 0; nth < 10; nth += 1) service.send(ANN, "text");
  const thread = await fetched(service, undefined);
  service.messages.splice(8);
  deepEqual((await fetched(service, { ...thread, isFresh: false })).messages, service.messages);
  service.messages.splice(0);
  deepEqual((await fetched(service, { ...thread, isFresh: false })).messages, []);
});

Deno.test("a new conversation with the same number keeps nothing of the one before", async () => {
  const service = createService();
  for (let nth = 0; nth < 10; nth += 1) service.send(ANN, "text");
  const thread = await fetched(service, undefined);
  for (const count of [1, 8, PAGE_COUNT, PAGE_COUNT + 1]) {
    // Ids continue even after the previous holder of the number has deleted their account.
    const another = createService();
    for (let nth = 0; nth < 10 + count; nth += 1) another.send(BOB, "text");
    another.messages.splice(0, 10);
    for (const isFresh of [true, false]) {
      const { messages } = await fetched(another, { ...thread, isFresh });
      deepEqual(messages, another.messages.slice(-messages.length));
    }
  }
});

Deno.test("a row of the list takes the place that the service would give it", () => {
  const row = fc.record({
    phone_number: fc.integer({ min: 1000, max: 1005 }).map((nth) => `+1415555${nth}`),
    last_touch_at: fc.integer({ min: 1, max: 3 }).map((ms) => new Date(ms).toISOString()),
  });
  const list = fc.uniqueArray(row, { selector: ({ phone_number }) => phone_number });
  const ordered = (rows: Contact[]) =>
    rows.toSorted((a, b) =>
      b.last_touch_at.localeCompare(a.last_touch_at) || a.phone_number.localeCompare(b.phone_number)
    );
  fc.assert(fc.property(list, row, (rows, one) => {
    const known = ordered(rows);
    const others = known.filter(({ phone_number }) => phone_number !== one.phone_number);
    deepEqual(withContact(known, one.phone_number, one), ordered([...others, one]));
    deepEqual(withContact(known, one.phone_number, null), others);
  }));
});
