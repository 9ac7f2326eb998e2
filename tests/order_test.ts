// The order and integrity of messages when many are sent at once, also through two services on one database.

import { deepEqual, equal, ok } from "./assert.ts";

import {
  ANN,
  type Answer,
  BOB,
  CAT,
  eventually,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";

interface Message {
  created_at: string;
}

/** Polls a thread by `after` until it is told to stop and nothing is newer; returns the ids as they came. */
async function follow(t: TestApp, me: Person, peer: string, until: { done: boolean }): Promise<number[]> {
  const seen: number[] = [];
  while (true) {
    const isLast = until.done;
    const { body } = await t.call("GET", `/api/messages/${peer}?count=255&after=${seen.at(-1) ?? 0}`, {
      token: me.token,
    });
    seen.push(...body.messages.map(({ id }: { id: number }) => id).reverse());
    if (isLast && !body.has_more) return seen;
  }
}

function removeContact(t: TestApp, me: Person, peer: Person): Promise<Answer> {
  return t.call("PUT", "/api/contacts/delete", { token: me.token, json: { phone_number: peer.phone } });
}

Deno.test("times in a thread ascend with its ids, even if the clocks of two services differ", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    one.clock.freeze();
    two.clock.freeze();
    two.clock.advance(-60_000);
    const sends = [
      await one.send(ann, bob, "first"),
      await two.send(bob, ann, "of a slow clock", { client_id: "slow" }),
      await two.send(bob, ann, "of a slow clock", { client_id: "slow" }),
    ];
    one.clock.advance(1);
    sends.push(await one.send(ann, bob, "later"));
    const at = one.clock.now().getTime();
    deepEqual(
      sends.map(({ body }) => at - Date.parse(body.messages[0].created_at)),
      [1, 1, 1, 0],
    );
    const { body } = await one.call("GET", `/api/messages/${BOB}`, { token: ann.token });
    deepEqual(body.messages.map((message: Message) => at - Date.parse(message.created_at)), [0, 1, 1]);
  }));

Deno.test("parallel sends have one total order, in which nothing appears before what was already read", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const until = { done: false };
    const readers = [
      follow(one, ann, BOB, until),
      follow(two, bob, ANN, until),
      follow(two, ann, BOB, until),
    ];
    const answers: Answer[] = [];
    for (let round = 0; round < 8; round += 1) {
      answers.push(
        ...await Promise.all(Array.from({ length: 40 }, (_, place) => {
          const [from, to] = place % 2 === 0 ? [ann, bob] : [bob, ann];
          return (place % 4 < 2 ? one : two).send(from, to, `${round} ${place}`);
        })),
      );
    }
    until.done = true;
    const seen = await Promise.all(readers);

    answers.forEach(succeeded);
    const ids = answers.map(({ body }) => body.messages[0].id).toSorted((a, b) => a - b);
    equal(new Set(ids).size, 320);
    for (const order of seen) deepEqual(order, ids);
  }));

Deno.test("messages that a sender sends one after the other, each once the last was answered, are in that order", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const noise = Promise.all(
      Array.from({ length: 200 }, (_, place) => two.send(bob, ann, `noise ${place}`)),
    );
    const ids: number[] = [];
    for (let place = 0; place < 30; place += 1) {
      const answer = await (place % 2 === 0 ? one : two).send(ann, bob, `text ${place}`);
      ids.push(answer.body.messages[0].id);
    }
    await noise;

    deepEqual(ids, ids.toSorted((a, b) => a - b));
  }));

Deno.test("sends with the same client_id make one message, in a batch, across batches and across services", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const answers = await Promise.all(Array.from({ length: 400 }, (_, place) => {
      const t = place % 2 === 0 ? one : two;
      return t.send(ann, bob, "hello", { client_id: `${place % 25}` });
    }));
    answers.forEach(succeeded);
    const ids = answers.map(({ body }) => body.messages[0].id);
    ids.forEach((id, place) => equal(id, ids[place % 25]));
    equal(new Set(ids).size, 25);

    const [row] = await one.sql`select count(*)::int as count from messages`;
    equal(row!.count, 25);
  }));

Deno.test("a refused send does not fail the others in its batch", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: BOB } });
    await t.send(ann, bob, "taken", { client_id: "taken" });
    const answers = await Promise.all(Array.from({ length: 160 }, (_, place) => {
      if (place % 4 === 0) return t.send(cat, bob, `${place}`);
      if (place % 4 === 1) return t.send(ann, bob, `${place}`, { client_id: "taken" });
      if (place % 4 === 2) return t.send(ann, { ...bob, phone: CAT }, `${place}`);
      return t.send(bob, ann, `${place}`);
    }));

    answers.forEach((answer, place) => {
      if (place % 4 === 0) refused(answer, 403, "not_friends");
      else if (place % 4 === 1) refused(answer, 409, "client_id_reused");
      else if (place % 4 === 2) refused(answer, 404, "recipient_not_found");
      else succeeded(answer);
    });
    const [row] = await t.sql`select count(*)::int as count from messages`;
    equal(row!.count, 41);
  }));

/** The most sends of one race, which go on until the deletion has ended, so that some come after it. */
const RACING_MAX = 40;

/** Sends while one of the two deletes the other; returns these answers, and that of a send afterwards. */
async function race(
  t: TestApp,
  other: TestApp,
  sender: Person,
  receiver: Person,
  who: "sender" | "receiver",
) {
  const [actor, peer] = who === "sender" ? [sender, receiver] : [receiver, sender];
  const sends = Array.from(
    { length: 6 },
    (_, place) => (place % 2 === 0 ? t : other).send(sender, receiver, "hello"),
  );
  let isRemoved = false;
  const removed = removeContact(other, actor, peer).finally(() => isRemoved = true);
  while (!isRemoved && sends.length < RACING_MAX) {
    sends.push(t.send(sender, receiver, "hello"));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  succeeded(await removed);
  const answers = await Promise.all(sends);
  const after = await t.send(sender, receiver, "after the delete");
  return { answers, after };
}

Deno.test("send() in parallel with delete() is either stored and announced, before it, or refused, after it", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const socket = await two.socket(bob.token);
    const outcomes = { stored: 0, refused: 0 };
    let before = 0;
    for (let round = 0; round < 30; round += 1) {
      socket.forget();
      const who = round % 2 === 0 ? "sender" : "receiver";
      const { answers, after } = await race(one, two, ann, bob, who);
      refused(after, 403, "not_friends");
      for (const answer of answers) {
        if (answer.status === 200) outcomes.stored += 1;
        else {
          refused(answer, 403, "not_friends");
          outcomes.refused += 1;
        }
      }
      const { body } = await two.call("GET", `/api/messages/${ANN}?count=255`, { token: bob.token });
      const stored = answers.filter(({ status }) => status === 200).map(({ body }) => body.messages[0].id);
      const fresh = body.messages.map(({ id }: { id: number }) => id).filter((id: number) => id > before);
      deepEqual(new Set(fresh), new Set(stored));
      if (stored.length > 0) await eventually(() => socket.told().includes(`messages_updated ${ANN}`));
      before = Math.max(before, ...stored);
      const again = who === "sender" ? [ann, bob] as const : [bob, ann] as const;
      await one.call("PUT", "/api/contacts/request", {
        token: again[0].token,
        json: { phone_number: again[1].phone },
      });
    }
    ok(outcomes.stored > 0 && outcomes.refused > 0, `Never raced: ${JSON.stringify(outcomes)}`);
  }));

Deno.test("parallel sends, reads and fetches of many pairs end without a deadlock, and counts of unread are right", () =>
  withTwoApps(async (one, two) => {
    const people: Person[] = [];
    for (let place = 0; place < 5; place += 1) people.push(await one.signUp(`+1415555020${place}`));
    const pairs = people.flatMap((from, place) => people.slice(place + 1).map((to) => [from, to] as const));
    for (const [from, to] of pairs) await one.befriend(from, to);
    const work = Array.from({ length: 12 }, (_, round) =>
      pairs.flatMap(([low, high]) => {
        const [t, u] = round % 2 === 0 ? [one, two] : [two, one];
        return [
          t.send(low, high, `${round}`),
          u.send(high, low, `${round}`),
          u.call("PUT", "/api/messages/read_all_text", {
            token: low.token,
            json: { phone_number: high.phone },
          }),
          t.call("GET", `/api/messages/${low.phone}`, { token: high.token }),
        ];
      })).flat();
    (await Promise.all(work)).forEach(succeeded);

    for (const me of people) {
      const list = (await two.call("GET", "/api/contacts", { token: me.token })).body.contacts;
      for (const contact of list) {
        const { body } = await two.call("GET", `/api/messages/${contact.phone_number}`, { token: me.token });
        equal(body.messages.length, 24);
        const received = body.messages.filter(({ sender }: { sender: string }) => sender !== me.phone);
        const unseen = received.filter(({ status }: { status: string }) => status !== "seen");
        equal(contact.unread_messages, unseen.length);
      }
    }
  }));
