// The limits between people: what counts, what is free, and that refusals notify nobody and store nothing.

import { deepEqual, equal } from "./assert.ts";
import { change, listOf, settle, statuses, wasTold, watch } from "./contact_calls.ts";
import { limited, only, worksWhenTold } from "./limit_calls.ts";
import { SECOND_MS, tally } from "./passcode_calls.ts";
import { ANN, type Answer, BOB, CAT, friends, refused, succeeded, withApp } from "./support.ts";
import { upload, wav } from "./upload_calls.ts";

Deno.test("messages: sixty at once, then one a second, counted for each sender and receiver", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(ann, cat);
    const crowd = await Promise.all(
      Array.from({ length: 80 }, (_, nth) => t.send(ann, bob, `message ${nth}`)),
    );
    deepEqual(tally(crowd), { ok: 60, rate_limited: 20 });
    equal(limited(await t.send(ann, bob, "one more")), 1);

    succeeded(await t.send(ann, cat, "to somebody else"));
    succeeded(await t.send(bob, ann, "the other way"));
    t.clock.advance(3 * SECOND_MS);
    for (let time = 0; time < 3; time += 1) succeeded(await t.send(ann, bob, "again"));
    limited(await t.send(ann, bob, "too soon"));
    equal((await t.sql`select 1 from messages where body = 'too soon'`).length, 0);
  }, { env: { LIMITS: "messages=60/m" } }));

Deno.test("messages: a repeated client_id is free, before and after the limit is used up", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const first = await t.send(ann, bob, "first", { client_id: "first" });
    for (let time = 0; time < 10; time += 1) {
      deepEqual((await t.send(ann, bob, "first", { client_id: "first" })).body, first.body);
    }
    succeeded(await t.send(ann, bob, "second", { client_id: "second" }));
    limited(await t.send(ann, bob, "third", { client_id: "third" }));

    for (let time = 0; time < 10; time += 1) {
      deepEqual((await t.send(ann, bob, "first", { client_id: "first" })).body, first.body);
    }
    refused(await t.send(ann, bob, "other words", { client_id: "first" }), 409, "client_id_reused");
    // Even when they are no longer friends.
    succeeded(await change(t, "delete", bob, ANN));
    deepEqual(
      (await t.send(ann, bob, "first", { client_id: "first" })).body.messages[0].id,
      first.body.messages[0].id,
    );
    succeeded(await change(t, "request", bob, ANN));
    await worksWhenTold(t, () => t.send(ann, bob, "third", { client_id: "third" }));
  }, { env: { LIMITS: only("messages", "2/2m") } }));

Deno.test("messages: concurrent sends of one client_id cost one", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const crowd = await Promise.all(
      Array.from({ length: 20 }, () => t.send(ann, bob, "once", { client_id: "once" })),
    );
    crowd.forEach(succeeded);
    equal(new Set(crowd.map(({ body }) => body.messages[0].id)).size, 1);
    for (let nth = 0; nth < 19; nth += 1) succeeded(await t.send(ann, bob, `message ${nth}`));
    limited(await t.send(ann, bob, "one more"));
  }, { env: { LIMITS: only("messages", "20/20m") } }));

Deno.test("messages: a send that is refused for another reason costs nothing", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const unknown = { message_type: "audio", media_content_id: 42 };
    for (let time = 0; time < 5; time += 1) {
      refused(await t.send(ann, bob, "", unknown), 400, "invalid_media");
      refused(await t.send(ann, { ...bob, phone: CAT }, "hello"), 404, "recipient_not_found");
    }
    succeeded(await t.send(ann, bob, "hello"));
    limited(await t.send(ann, bob, "again"));
  }, { env: { LIMITS: only("messages", "1/h") } }));

Deno.test("requests_pair: requesting and withdrawing notifies nobody more than three times a day", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const bob = await watch(t, BOB);
    for (let time = 0; time < 3; time += 1) {
      succeeded(await change(t, "request", ann, BOB));
      succeeded(await change(t, "delete", ann, BOB));
    }
    await settle(t, [bob]);
    bob.idle.forget();
    for (let time = 0; time < 3; time += 1) limited(await change(t, "request", ann, BOB));
    await settle(t, [bob]);
    deepEqual([await statuses(t, ann), await statuses(t, bob), wasTold(bob.idle)], [{}, {}, false]);
    // Ann has used up her limit, and nothing of Bob's.
    succeeded(await change(t, "request", bob, ANN));
    succeeded(await change(t, "accept", ann, BOB));
  }, { env: { LIMITS: "" } }));

Deno.test("requests: a refused one stores nothing that would grow with every try", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const people = [await t.signUp(BOB), await t.signUp(CAT)];
    const rows = async () => (await t.sql`select key from buckets order by key`).map(({ key }) => key);
    succeeded(await change(t, "request", ann, people[0]!.phone));
    const counted = await rows();

    for (let time = 0; time < 3; time += 1) limited(await change(t, "request", ann, people[1]!.phone));
    refused(await change(t, "request", ann, people[0]!.phone), 409, "already_requested");
    deepEqual(await rows(), counted);
  }, { env: { LIMITS: "requests_user=1/d" } }));

Deno.test("requests_user: a rate that is given twice counts once", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const phone of [BOB, CAT]) succeeded(await change(t, "request", ann, phone));
    limited(await change(t, "request", ann, "+14155550177"));
  }, { env: { LIMITS: "requests_user=2/d,requests_user=2/24h" } }));

Deno.test("requests_pair: a friend who keeps deleting and requesting is limited as well", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const answers: Answer[] = [];
    for (let time = 0; time < 5; time += 1) {
      await change(t, "delete", ann, BOB);
      answers.push(await change(t, "request", ann, BOB));
    }
    deepEqual(tally(answers), { ok: 2, rate_limited: 3 });
    deepEqual(await statuses(t, bob), { [ANN]: "blocked" });
  }, { env: { LIMITS: "" } }));

Deno.test("requests: one that changes nothing is free, and an acceptance does not count for requests_user", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob, cat] = [await t.signUp(ANN), await t.signUp(BOB), await t.signUp(CAT)];
    succeeded(await change(t, "request", ann, BOB));
    for (let time = 0; time < 5; time += 1) {
      refused(await change(t, "request", ann, BOB), 409, "already_requested");
    }
    succeeded(await change(t, "request", bob, ANN));
    for (let time = 0; time < 5; time += 1) {
      refused(await change(t, "request", bob, ANN), 409, "already_friends");
    }

    limited(await change(t, "request", ann, CAT));
    succeeded(await change(t, "request", cat, ANN));
    succeeded(await change(t, "request", ann, CAT));
    equal((await listOf(t, ann, "?status=accepted")).length, 2);
  }, { env: { LIMITS: "requests_user=1/d,requests_pair=1/d" } }));

Deno.test("uploads: fifty at once, and a refused one is not read", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    for (let nth = 0; nth < 50; nth += 1) succeeded(await upload(t, ann, wav(100)));
    const answer = await upload(t, ann, "no media at all");
    equal(limited(answer), 2);
    equal((await t.sql`select 1 from media`).length, 50);
    t.clock.advance(2 * SECOND_MS);
    succeeded(await upload(t, ann, wav(100)));
  }, { env: { LIMITS: "uploads=50/m" } }));

Deno.test("uploads: one that is refused before its body is read costs nothing", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    const token = ann.token;
    const path = "/api/messages/upload_media";
    for (let nth = 0; nth < 3; nth += 1) {
      refused(
        await t.call("POST", `${path}?media_type=audio`, { token, json: {} }),
        415,
        "unsupported_media_type",
      );
      const form = new FormData();
      form.set("file", new Blob(["no matter"]));
      const noType = await fetch(`${t.url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: form,
      });
      equal(noType.status, 400);
      await noType.body?.cancel();
      const begun = await fetch(`${t.url}/api/uploads`, {
        method: "POST",
        headers: { "authorization": `Bearer ${token}`, "tus-resumable": "1.0.0", "upload-length": "5" },
      });
      equal(begun.status, 400, "no media_type in its metadata");
      await begun.body?.cancel();
    }
    succeeded(await upload(t, ann, wav(100)));
    limited(await upload(t, ann, wav(100)));
  }, { env: { LIMITS: "uploads=1/m" } }));

Deno.test("uploads: one that turns out not to be media once it has been read counts", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    refused(await upload(t, ann, "no media at all"), 400, "invalid_media");
    limited(await upload(t, ann, wav(100)));
  }, { env: { LIMITS: "uploads=1/m" } }));
