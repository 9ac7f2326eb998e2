// Requests to numbers that nobody has signed up with yet.

import { deepEqual, equal } from "./assert.ts";
import { change, forget, listOf, settle, statuses, wasTold, watch } from "./contact_calls.ts";
import { ANN, BOB, CAT, refused, succeeded, withApp } from "./support.ts";

const DAN = "+14155550104";

Deno.test("request to a number without an account waits until it signs up, and can be accepted then", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    succeeded(await change(t, "request", ann, BOB, { display_name: "Bo" }));
    const before = await listOf(t, ann);
    equal(before[0]!.status, "requesting");
    refused(await change(t, "request", ann, BOB), 409, "already_requested");

    const bob = await t.signUp(BOB);
    deepEqual(await listOf(t, ann), before);
    const [row] = await listOf(t, bob);
    deepEqual([row!.phone_number, row!.status, row!.display_name], [ANN, "requested", ""]);
    succeeded(await change(t, "accept", bob, ANN));
    deepEqual(await statuses(t, ann), { [BOB]: "accepted" });
  }));

Deno.test("request that was withdrawn before the number signed up does not exist when it has", () =>
  withApp(async (t) => {
    const ann = await watch(t, ANN);
    await change(t, "request", ann, BOB);
    succeeded(await change(t, "delete", ann, BOB));
    await settle(t, [ann]);
    forget([ann]);
    const bob = await t.signUp(BOB);
    deepEqual(await listOf(t, bob), []);
    await settle(t, [ann]);
    deepEqual([wasTold(ann.acting), wasTold(ann.idle)], [false, false]);
  }));

Deno.test("completing a signup notifies every session of everybody who has requested the number, and nobody else", () =>
  withApp(async (t) => {
    const [ann, bob, cat] = [await watch(t, ANN), await watch(t, BOB), await watch(t, CAT)];
    for (const inviter of [ann, bob]) await change(t, "request", inviter, DAN);
    await settle(t, [ann, bob, cat]);
    forget([ann, bob, cat]);

    await t.call("POST", "/api/auth/signup", { json: { phone_number: DAN } });
    await settle(t, [ann, bob, cat]);
    deepEqual([ann, bob, cat].flatMap(({ acting, idle }) => [acting, idle].filter(wasTold)), []);

    const json = { phone_number: DAN, passcode: t.codeFor(DAN) };
    const completed = await t.call("POST", "/api/auth/complete-signup", { json });
    succeeded(completed);
    await settle(t, [ann, bob, cat]);
    const told = [ann, bob, cat].map(({ acting, idle }) => [acting, idle].map(wasTold));
    deepEqual(told, [[true, true], [true, true], [false, false]]);
    const dan = { phone: DAN, token: completed.body.token };
    deepEqual(await statuses(t, dan), { [ANN]: "requested", [BOB]: "requested" });
  }));

Deno.test("a number that was only invited is 404 not_registered at sign-in, and signs up like any other", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await change(t, "request", ann, BOB);
    const json = { phone_number: BOB };
    refused(await t.call("POST", "/api/auth/signin", { json }), 404, "not_registered");
    await t.signUp(BOB);
    succeeded(await t.call("POST", "/api/auth/signin", { json }));
    refused(await t.call("POST", "/api/auth/signup", { json }), 409, "already_registered");
  }));

Deno.test("INVITE_MODE=off: request to a number without an account is 404 user_not_found and leaves nothing", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    refused(await change(t, "request", ann, CAT, { display_name: "Cat" }), 404, "user_not_found");
    deepEqual(await listOf(t, ann), []);
    const cat = await t.signUp(CAT);
    deepEqual(await listOf(t, cat), []);
    succeeded(await change(t, "request", ann, BOB));
    deepEqual(await statuses(t, bob), { [ANN]: "requested" });
    refused(await change(t, "request", ann, ANN), 400, "own_number");
  }, { env: { INVITE_MODE: "off" } }));

Deno.test("INVITE_MODE=off: a number that was invited before counts as one without an account", () =>
  withApp((inviting) =>
    withApp(async (t) => {
      const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
      succeeded(await change(inviting, "request", ann, CAT));
      refused(await change(t, "request", bob, CAT), 404, "user_not_found");
      deepEqual(await statuses(t, ann), { [CAT]: "requesting" });
      succeeded(await change(t, "delete", ann, CAT));
    }, { env: { INVITE_MODE: "off" }, database: inviting.database })
  ));
