// How a service that stops takes leave of requests.

import { equal, throws } from "./assert.ts";
import { createGate } from "../routes/gate.ts";

Deno.test("a gate that drains waits for what is under way, and refuses the rest on connections that end", async () => {
  const gate = createGate();
  const said = new Headers();
  const request = { header: (name: string, value: string) => said.set(name, value) } as never;
  gate.enter();
  gate.judge(request);
  equal(said.get("connection"), null);

  let isDrained = false;
  const drained = gate.drain().then(() => isDrained = true);
  throws(() => gate.judge(request), { code: "unavailable" });
  equal(said.get("connection"), "close");
  gate.enter();
  gate.leave();
  await Promise.resolve();
  equal(isDrained, false);
  gate.leave();
  await drained;
});
