// Marking messages as delivered after sockets were notified; marks_test.ts tests it with a whole service.

import type { Database } from "../db/connection/database.ts";
import { createDeliveries } from "../services/messages/deliveries.ts";
import type { Marks } from "../services/messages/marks.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import type { Actor } from "../services/sessions/sessions.ts";
import { deepEqual, equal } from "./assert.ts";
import { ANN, BOB, eventually } from "./support.ts";

const BOB_ACTS = { user_id: 2, session_id: "one", phone_number: BOB as PhoneNumber };
const THREAD = { conversation_id: 1, peer_id: 1 };

/** Deliveries whose marks end when the test ends them. */
function start() {
  const marked: { upTo: number; end: () => void }[] = [];
  const marks = {
    delivered: (_me: unknown, _thread: unknown, _phone: unknown, upTo: number) =>
      new Promise<void>((end) => marked.push({ upTo, end })),
  } as unknown as Marks;
  const deliveries = createDeliveries({ database: undefined as never, marks });
  return { marked, deliveries, tell: (id: number) => deliveries.notified(BOB_ACTS, THREAD, ANN, id) };
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("settle() waits for the last mark that is under way, and not only for the first", async () => {
  const { marked, deliveries, tell } = start();
  for (const id of [1, 2]) {
    tell(id);
    deliveries.flush();
  }
  marked[0]!.end();
  await soon();
  let isSettled = false;
  const settled = deliveries.settle(THREAD, BOB_ACTS.user_id).then(() => isSettled = true);
  await soon();
  equal(isSettled, false);
  marked[1]!.end();
  await settled;
});

Deno.test("settle() marks the newest waiting message at once, and nothing a second time", async () => {
  const { marked, deliveries, tell } = start();
  for (const id of [7, 9, 8]) tell(id);
  const settled = deliveries.settle(THREAD, BOB_ACTS.user_id);
  await soon();
  deepEqual(marked.map(({ upTo }) => upTo), [9]);
  marked[0]!.end();
  await settled;
  deliveries.flush();
  equal(marked.length, 1);
});

Deno.test("cameOnline() makes one query for all users who connect together, and marks the waiting messages of each", async () => {
  const marked: { reader: number; upTo: number }[] = [];
  const marks = {
    delivered: (me: Actor, _thread: unknown, _phone: unknown, upTo: number) => {
      marked.push({ reader: me.user_id, upTo });
      return Promise.resolve();
    },
  } as unknown as Marks;
  const waits = (reader: number) => ({
    me_id: reader,
    ...THREAD,
    peer_phone: ANN,
    peer_sent_id: reader * 10,
  });
  let looks = 0;
  const database = {
    run: () => Promise.resolve([waits(3), waits(7)]).finally(() => looks += 1),
  } as unknown as Database;
  const deliveries = createDeliveries({ database, marks });
  for (let reader = 1; reader <= 50; reader += 1) deliveries.cameOnline({ ...BOB_ACTS, user_id: reader });
  await eventually(() => equal(marked.length, 2));
  deepEqual(marked, [{ reader: 3, upTo: 30 }, { reader: 7, upTo: 70 }]);
  equal(looks, 1);
});
