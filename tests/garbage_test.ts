import { createCollect, createQuietCollection } from "../garbage.ts";
import { equal } from "./assert.ts";

const MIB = 1024 * 1024;

Deno.test("createCollect() makes a function that collects all garbage, and leaves no other access to the collector", async () => {
  const collect = createCollect();
  const ref = new WeakRef({ text: "of a start" });
  // The target of a WeakRef is kept until the end of the turn in which the WeakRef was created.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
  equal(ref.deref(), undefined);
  equal("gc" in globalThis, false);
});

Deno.test("createQuietCollection() collects once when the service is quiet and the heap has grown, and not while there is work", () => {
  let [heap, held, requests, collections] = [40 * MIB, 40 * MIB, 0, 0];
  const collect = () => {
    heap = held;
    collections += 1;
  };
  const look = createQuietCollection({ collect, heapBytes: () => heap, countRequests: () => requests });
  const turn = (change: { heap?: number; held?: number; requests?: number }) => {
    heap += change.heap ?? 0;
    held += change.held ?? 0;
    requests += change.requests ?? 0;
    look();
    return collections;
  };
  equal(turn({}), 0);
  equal(turn({ heap: 15 * MIB }), 0);
  equal(turn({ heap: 100 * MIB, held: 60 * MIB, requests: 10_000 }), 0);
  equal(turn({ requests: 6 }), 0);
  equal(turn({ requests: 5 }), 1);
  // Memory that is still in use is not counted as growth again.
  equal(turn({}), 1);
  equal(turn({ heap: 15 * MIB, requests: 2 }), 1);
  equal(turn({ heap: MIB }), 2);
  // After memory was released later, growth is counted from the lower level.
  equal(turn({ heap: -30 * MIB, held: -30 * MIB }), 2);
  equal(turn({ heap: 16 * MIB }), 3);
});
