// How a service that stops takes leave of requests.

import { equal, throws } from "./assert.ts";
import { createGate } from "../routes/gate.ts";

Deno.test("a gate that drains lets others through for as long as one from before is under way, and waits for them", async () => {
  const gate = createGate();
  const leave = gate.enter();
  gate.judge("/api/contacts");
  equal(gate.isDraining(), false);

  let isDrained = false;
  const drained = gate.drain().then(() => isDrained = true);
  for (const path of ["/api/contacts", "/api/messages/media_of_nobody"]) gate.judge(path);
  equal(gate.isDraining(), true);
  const lasting = [
    "/api/notifications",
    "/api/messages/media/1",
    "/api/messages/upload_media",
    "/api/uploads",
  ];
  for (const path of ["/healthz", "/readyz", ...lasting]) {
    throws(() => gate.judge(path), { code: "unavailable" });
  }
  // One that came meanwhile and is answered is none of those from before.
  gate.enter()();
  gate.judge("/api/contacts");
  const leaveLater = gate.enter();
  leave();
  throws(() => gate.judge("/api/contacts"), { code: "unavailable" });
  await Promise.resolve();
  equal(isDrained, false);
  leaveLater();
  await drained;
});

Deno.test("a gate that drains lets nobody through when what is under way has to end", async () => {
  const gate = createGate({ patienceMs: 1 });
  const leave = gate.enter();
  const drained = gate.drain();
  gate.judge("/api/contacts");
  await new Promise((resolve) => gate.late.addEventListener("abort", resolve));
  throws(() => gate.judge("/api/contacts"), { code: "unavailable" });
  leave();
  await drained;
});
