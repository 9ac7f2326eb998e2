// Changes of many people that are written together: each has its own outcome, and uses only its own limits.

import { deepEqual, equal } from "./assert.ts";
import { change, listOf, statuses } from "./contact_calls.ts";
import { ANN, BOB, CAT, refused, succeeded, withApp } from "./support.ts";

const DAN = "+14155550104";
const EVE = "+14155550105";
const NOBODY = "+14155550199";

Deno.test("changes that arrive together succeed or fail independently, and only successful ones are counted", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const phones = [ANN, BOB, CAT, DAN, EVE];
    const [ann, bob, cat, dan, eve] = await Promise.all(phones.map((phone) => t.signUp(phone)));
    for (const peer of [DAN, EVE]) succeeded(await change(t, "request", ann!, peer));
    const [usedUp, unknown, done, accepted, named, notAsked] = await Promise.all([
      change(t, "request", ann!, BOB),
      change(t, "request", bob!, NOBODY),
      change(t, "request", cat!, BOB),
      change(t, "accept", dan!, ANN),
      change(t, "update", eve!, ANN, { display_name: "Annie" }),
      change(t, "accept", eve!, CAT),
    ]);

    refused(usedUp, 429, "rate_limited");
    refused(unknown, 404, "user_not_found");
    [done, accepted, named].forEach(succeeded);
    refused(notAsked, 404, "request_not_found");
    deepEqual(await statuses(t, ann!), { [DAN]: "accepted", [EVE]: "requesting" });
    deepEqual(await statuses(t, bob!), { [CAT]: "requested" });
    deepEqual(await statuses(t, cat!), { [BOB]: "requesting" });
    equal((await listOf(t, eve!))[0]!.display_name, "Annie");

    // Cat has one of her two requests left, and Bob, who was refused, still both.
    succeeded(await change(t, "request", cat!, DAN));
    refused(await change(t, "request", cat!, EVE), 429, "rate_limited");
    for (const peer of [DAN, EVE]) succeeded(await change(t, "request", bob!, peer));
    refused(await change(t, "request", bob!, ANN), 429, "rate_limited");
  }, { env: { LIMITS: "requests_user=2/d", INVITE_MODE: "off" } }));

Deno.test("a change that is overtaken again and again is 503 with Retry-After, and leaves nothing", () =>
  withApp(async (t) => {
    const [ann] = [await t.signUp(ANN), await t.signUp(BOB)];
    const [row] = await t.sql<{ definition: string }[]>`
      select pg_get_functiondef('undo_unless(boolean)'::regprocedure) as definition`;
    await t.sql.unsafe(row!.definition.replace("if not is_whole then", "if true then"));
    const answer = await change(t, "request", ann, BOB);
    refused(answer, 503, "unavailable");
    equal(answer.headers.get("retry-after"), "1");
    deepEqual(await statuses(t, ann), {});

    await t.sql.unsafe(row!.definition);
    succeeded(await change(t, "request", ann, BOB));
  }));
