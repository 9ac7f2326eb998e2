// How a service that stops takes leave of requests.

import { equal, throws } from "./assert.ts";
import { createGate, type Gate } from "../routes/gate.ts";

/** Has a request judged, and answers with what is said of its connection. */
function judge(gate: Gate, path = "/api/contacts"): string | null {
  const said = new Headers();
  const header = (name: string, value: string) => said.set(name, value);
  gate.judge({ header, req: { path } } as never);
  return said.get("connection");
}

Deno.test("a gate that drains lets others through for as long as one from before is under way, and waits for them", async () => {
  const gate = createGate();
  const leave = gate.enter();
  equal(judge(gate), null);

  let isDrained = false;
  const drained = gate.drain().then(() => isDrained = true);
  equal(judge(gate), "close");
  for (const path of ["/healthz", "/readyz", "/api/notifications"]) {
    throws(() => judge(gate, path), { code: "unavailable" });
  }
  const leaveLater = gate.enter();
  leave();
  throws(() => judge(gate), { code: "unavailable" });
  await Promise.resolve();
  equal(isDrained, false);
  leaveLater();
  await drained;
});

Deno.test("a gate that drains lets nobody through when what is under way has to end", async () => {
  const gate = createGate({ patienceMs: 1 });
  const leave = gate.enter();
  const drained = gate.drain();
  equal(judge(gate), "close");
  await new Promise((resolve) => gate.late.addEventListener("abort", resolve));
  throws(() => judge(gate), { code: "unavailable" });
  leave();
  await drained;
});
