// A change of contacts that is committed before the connection is lost on which its list is read.

import { deepEqual, equal } from "./assert.ts";
import { change, forget, settle, statuses, wasTold, watch } from "./contact_calls.ts";
import { killWaiting, untilWaiting } from "./locks.ts";
import { ANN, BOB, CAT, eventually, refused, succeeded, withApp } from "./support.ts";

Deno.test("a change whose list cannot be read is announced, is not made again, and is 503 to its caller; the next call works", () =>
  withApp(async (t) => {
    const [ann, bob, cat] = [await watch(t, ANN), await watch(t, BOB), await watch(t, CAT)];
    // Prepares both statements, so that they are sent together.
    succeeded(await change(t, "request", ann, CAT));
    await settle(t, [ann, bob, cat]);
    forget([ann, bob, cat]);
    const held = await t.sql.reserve();
    await held`begin`;
    await held`lock table messages in access exclusive mode`;
    const called = change(t, "request", ann, BOB);
    await untilWaiting(t);
    await eventually(() => equal(wasTold(bob.acting), true));
    await killWaiting(t);
    refused(await called, 503, "unavailable");
    await held`rollback`;
    held.release();

    refused(await change(t, "request", ann, BOB), 409, "already_requested");
    succeeded(await change(t, "accept", bob, ANN));
    deepEqual(await statuses(t, ann), { [BOB]: "accepted", [CAT]: "requesting" });
  }));
