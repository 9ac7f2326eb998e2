// Users who send each other messages and are told of them on a socket.

import { ok, strictEqual as equal } from "node:assert/strict";
import type { BenchDatabase } from "./cluster.ts";
import { type Address, openConnection, request } from "./http.ts";
import type { Work } from "./load.ts";
import { befriend, makePeople, type Person } from "./people.ts";
import { listenTo } from "./socket.ts";

/** In `{"event":"messages_updated"`: the offset of the event's name, and its first byte. */
const NAME_AT = 10;
const MESSAGES_UPDATED = "m".charCodeAt(0);
const COUNTER_DIGITS = 12;

export interface Sender extends Work {
  conversationId: number;
  /** Sends answered with 200, and events that the receiver's socket was told. */
  counts: { accepted: number; pushed: number };
  /** Milliseconds from each answer until the receiver's socket was told; 0 if it was told before. */
  delaysMs: number[];
  close(): void;
}

/** Creates `count` pairs of friends with a conversation each; in a new database their ids start at 1. */
export async function makePairs(database: BenchDatabase, count: number) {
  const people = await makePeople(database, count * 2);
  const pairs = Array.from(
    { length: count },
    (_, place) => [people[place * 2]!, people[place * 2 + 1]!] as const,
  );
  const ids = await befriend(database, pairs);
  return pairs.map(([from, to], place) => ({ from, to, conversationId: ids[place]! }));
}

/** A worker whose operation is one send: done when it is answered and its receiver was told. */
export async function openSender(
  { from, to, conversationId }: { from: Person; to: Person; conversationId: number },
  { sendTo, listenAt }: { sendTo: Address; listenAt: Address },
): Promise<Sender> {
  const counts = { accepted: 0, pushed: 0 };
  const delaysMs: number[] = [];
  let told = () => {};
  const connected = Promise.withResolvers<void>();
  const listener = await listenTo(listenAt, to.token, (text) => {
    if (text[NAME_AT] !== MESSAGES_UPDATED) return connected.resolve();
    counts.pushed += 1;
    told();
  });
  await connected.promise;
  const connection = await openConnection(sendTo);
  const { bytes, count } = sendRequest(from, to);

  return {
    conversationId,
    counts,
    delaysMs,
    async operate() {
      count(counts.accepted);
      const { status, body } = await connection.ask(bytes);
      if (status !== 200) throw new Error(`A send got ${status}: ${new TextDecoder().decode(body)}`);
      counts.accepted += 1;
      if (counts.pushed >= counts.accepted) return void delaysMs.push(0);
      const answeredAt = performance.now();
      await new Promise<void>((resolve) => told = resolve);
      delaysMs.push(performance.now() - answeredAt);
    },
    close() {
      connection.close();
      listener.close();
    },
  };
}

/** The request, and a function that writes a number into its client_id without building it again. */
function sendRequest(from: Person, to: Person) {
  const marker = "#".repeat(COUNTER_DIGITS);
  const bytes = request("POST /api/messages/send", {
    token: from.token,
    body: JSON.stringify({
      phone_number: to.phone,
      message_type: "text",
      message: "Hello, it is me",
      client_id: `bench-${marker}`,
    }),
  });
  const at = bytes.indexOf("#".charCodeAt(0));
  const run = Math.floor(Math.random() * 1e6);
  return {
    bytes,
    count(number: number) {
      const digits = String(run * 1e6 + number).padStart(COUNTER_DIGITS, "0");
      for (let place = 0; place < COUNTER_DIGITS; place++) bytes[at + place] = digits.charCodeAt(place);
    },
  };
}

/**
 * Asserts that exactly the accepted messages are stored and that no event was lost. There may be extra events
 * if a busy machine kept the service from its database for a while, because it then tells every socket to
 * fetch again.
 */
export async function countStored(
  database: BenchDatabase,
  senders: Sender[],
  storedBefore: number,
): Promise<number> {
  const accepted = senders.reduce((sum, { counts }) => sum + counts.accepted, 0);
  const pushed = senders.reduce((sum, { counts }) => sum + counts.pushed, 0);
  const stored = await countMessages(database);
  equal(stored - storedBefore, accepted, "messages stored are not those that were accepted");
  ok(pushed >= accepted, "events pushed are fewer than messages");
  return stored;
}

export async function countMessages({ sql }: BenchDatabase): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from messages`;
  return row!.count;
}
