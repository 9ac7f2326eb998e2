// How a service that is stopping lets requests finish.

import { createRequestTracker } from "../routes/request_tracker.ts";
import { equal, throws } from "./assert.ts";

Deno.test("drain() lets new requests through as long as one from before is in flight, and waits for them", async () => {
  const tracker = createRequestTracker();
  const leave = tracker.enter();
  tracker.judge("/api/contacts");
  equal(tracker.isDraining(), false);

  let isDrained = false;
  const drained = tracker.drain().then(() => isDrained = true);
  for (const path of ["/api/contacts", "/api/messages/media_of_nobody"]) tracker.judge(path);
  equal(tracker.isDraining(), true);
  const lasting = [
    "/api/notifications",
    "/api/messages/media/1",
    "/api/messages/upload_media",
    "/api/uploads",
  ];
  for (const path of ["/healthz", "/readyz", ...lasting]) {
    throws(() => tracker.judge(path), { code: "unavailable" });
  }
  // One that came during the stop does not count as one from before it.
  tracker.enter()();
  tracker.judge("/api/contacts");
  const leaveLater = tracker.enter();
  leave();
  throws(() => tracker.judge("/api/contacts"), { code: "unavailable" });
  await Promise.resolve();
  equal(isDrained, false);
  leaveLater();
  await drained;
});

Deno.test("drain() lets no request through once those in flight have to end", async () => {
  const tracker = createRequestTracker({ patienceMs: 1 });
  const leave = tracker.enter();
  const drained = tracker.drain();
  tracker.judge("/api/contacts");
  await new Promise((resolve) => tracker.late.addEventListener("abort", resolve));
  throws(() => tracker.judge("/api/contacts"), { code: "unavailable" });
  leave();
  await drained;
});
