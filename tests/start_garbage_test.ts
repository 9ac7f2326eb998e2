import { equal } from "node:assert/strict";
import { collectStartGarbage } from "../start_garbage.ts";

Deno.test("collectStartGarbage() collects what nobody holds, and leaves no door to do so behind", async () => {
  const ref = new WeakRef({ text: "of a start" });
  // What a WeakRef refers to lives until the end of the turn in which that was made.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collectStartGarbage();
  equal(ref.deref(), undefined);
  equal("gc" in globalThis, false);
});
