import { deepEqual, equal } from "./assert.ts";
import { type Change, change, forget, listOf, settle, statuses, wasTold, watch } from "./contact_calls.ts";
import {
  ANN,
  type Ask,
  BOB,
  CAT,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";

const CHANGES: Change[] = ["request", "accept", "delete", "update"];
/** What a call needs besides the number. */
const NEEDS: Record<Change, Record<string, unknown>> = {
  request: {},
  accept: {},
  delete: {},
  update: { display_name: "Bo" },
};

async function twoPeople(t: TestApp): Promise<[Person, Person]> {
  return [await t.signUp(ANN), await t.signUp(BOB)];
}

Deno.test("request shows each side the other, and answers with the whole list", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    await change(t, "request", ann, CAT);
    const answer = await change(t, "request", ann, BOB);
    succeeded(answer);
    deepEqual(answer.body.contacts.map((row: { phone_number: string }) => row.phone_number), [
      BOB,
      CAT,
    ]);
    deepEqual(await statuses(t, ann), { [BOB]: "requesting", [CAT]: "requesting" });
    deepEqual(await statuses(t, bob), { [ANN]: "requested" });
  }));

Deno.test("request by POST does the same as request by PUT", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    const json = { phone_number: BOB, display_name: "Bo" };
    const answer = await t.call("POST", "/api/contacts/request", { token: ann.token, json });
    succeeded(answer);
    deepEqual(answer.body.contacts, await listOf(t, ann));
    deepEqual(await statuses(t, ann), { [BOB]: "requesting" });
    deepEqual(await statuses(t, bob), { [ANN]: "requested" });
    refused(
      await t.call("POST", "/api/contacts/request", { token: ann.token, json }),
      409,
      "already_requested",
    );
  }));

Deno.test("accept makes friends of both, and answers with the whole list", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    await change(t, "request", ann, BOB);
    await change(t, "request", bob, CAT);
    const answer = await change(t, "accept", bob, ANN);
    succeeded(answer);
    deepEqual(answer.body.contacts, await listOf(t, bob));
    deepEqual(await statuses(t, bob), { [ANN]: "accepted", [CAT]: "requesting" });
    deepEqual(await statuses(t, ann), { [BOB]: "accepted" });
  }));

Deno.test("request to somebody who has requested me accepts", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    await change(t, "request", ann, BOB);
    succeeded(await change(t, "request", bob, ANN));
    deepEqual(await statuses(t, ann), { [BOB]: "accepted" });
    deepEqual(await statuses(t, bob), { [ANN]: "accepted" });
  }));

Deno.test("delete of a friend shows me deleted and them blocked, and is 200 however often it is repeated", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    await t.befriend(ann, bob);
    const answer = await change(t, "delete", ann, BOB);
    succeeded(answer);
    deepEqual(answer.body.contacts, await listOf(t, ann));
    deepEqual(await statuses(t, ann), { [BOB]: "deleted" });
    deepEqual(await statuses(t, bob), { [ANN]: "blocked" });
    const again = await change(t, "delete", ann, BOB);
    deepEqual(again.body, answer.body);
    equal(again.status, 200);
  }));

Deno.test("delete withdraws a request from both lists", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    await change(t, "request", ann, BOB);
    const answer = await change(t, "delete", ann, BOB);
    succeeded(answer);
    deepEqual(answer.body.contacts, []);
    deepEqual(await statuses(t, bob), {});
  }));

Deno.test("delete declines a request, and its sender neither sees it nor is notified", () =>
  withApp(async (t) => {
    const ann = await watch(t, ANN);
    const bob = await t.signUp(BOB);
    await change(t, "request", ann, BOB);
    const before = await listOf(t, ann);
    await settle(t, [ann]);
    forget([ann]);
    succeeded(await change(t, "delete", bob, ANN));
    deepEqual(await statuses(t, bob), { [ANN]: "deleted" });
    deepEqual(await listOf(t, ann), before);
    await settle(t, [ann]);
    deepEqual([wasTold(ann.acting), wasTold(ann.idle)], [false, false]);
  }));

Deno.test("request is 409 already_friends between friends and already_requested while one is pending", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    await change(t, "request", ann, BOB);
    refused(await change(t, "request", ann, BOB, { display_name: "Bo" }), 409, "already_requested");
    await change(t, "accept", bob, ANN);
    refused(await change(t, "request", ann, BOB, { display_name: "Bo" }), 409, "already_friends");
    refused(await change(t, "request", bob, ANN), 409, "already_friends");
    equal((await listOf(t, ann))[0]!.display_name, "");
  }));

Deno.test("request to a friend who deleted me is 409 peer_deleted, and keeps my wish and my name for them", () =>
  withApp(async (t) => {
    const ann = await watch(t, ANN);
    const bob = await watch(t, BOB);
    await t.befriend(ann, bob);
    await change(t, "delete", ann, BOB);
    await change(t, "delete", bob, ANN);
    await settle(t, [ann, bob]);
    forget([ann, bob]);

    refused(await change(t, "request", ann, BOB, { display_name: "Bo" }), 409, "peer_deleted");
    const [row] = await listOf(t, ann);
    deepEqual([row!.status, row!.display_name], ["blocked", "Bo"]);
    deepEqual(await statuses(t, bob), { [ANN]: "deleted" });
    await settle(t, [ann, bob]);
    deepEqual([ann.idle, bob.acting, bob.idle].map(wasTold), [true, false, false]);

    refused(await change(t, "request", ann, BOB), 409, "peer_deleted");
    succeeded(await change(t, "request", bob, ANN));
    deepEqual(await statuses(t, ann), { [BOB]: "accepted" });
    deepEqual(await statuses(t, bob), { [ANN]: "accepted" });
  }));

Deno.test("accept is 404 request_not_found for somebody who has not requested me, known or not", () =>
  withApp(async (t) => {
    const [ann, bob] = await twoPeople(t);
    const known = await change(t, "accept", ann, BOB);
    const unknown = await change(t, "accept", ann, CAT);
    refused(known, 404, "request_not_found");
    refused(unknown, 404, "request_not_found");
    equal(known.body.message, unknown.body.message);
    await change(t, "request", ann, BOB);
    refused(await change(t, "accept", ann, BOB), 404, "request_not_found");
    await change(t, "accept", bob, ANN);
    refused(await change(t, "accept", bob, ANN), 404, "request_not_found");
  }));

for (const call of ["delete", "update"] as const) {
  Deno.test(`${call} is 404 contact_not_found for somebody who is not on my list, known or not`, () =>
    withApp(async (t) => {
      const [ann] = await twoPeople(t);
      const known = await change(t, call, ann, BOB, NEEDS[call]);
      const unknown = await change(t, call, ann, CAT, NEEDS[call]);
      refused(known, 404, "contact_not_found");
      refused(unknown, 404, "contact_not_found");
      equal(known.body.message, unknown.body.message);
      await change(t, "request", ann, BOB);
      await change(t, "delete", ann, BOB);
      refused(await change(t, call, ann, BOB, NEEDS[call]), 404, "contact_not_found");
    }));
}

Deno.test("every change to my own number is 400 own_number, however it is spelt", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const call of CHANGES) {
      for (const phone of [ANN, ANN.replace("+", "00"), "1 (415) 555-0101"]) {
        refused(await change(t, call, ann, phone, NEEDS[call]), 400, "own_number");
      }
    }
    deepEqual(await listOf(t, ann), []);
  }));

Deno.test("every change without a token is 401, whatever the body", () =>
  withApp(async (t) => {
    for (const call of CHANGES) {
      const path = `/api/contacts/${call}`;
      const json = { phone_number: BOB, ...NEEDS[call] };
      refused(await t.call("PUT", path, { json }), 401, "unauthenticated");
      refused(await t.call("PUT", path, { raw: "{" }), 401, "unauthenticated");
      refused(await t.call("PUT", path, { json, token: "not.a.token" }), 401, "unauthenticated");
    }
  }));

const NO_NUMBERS = ["", "12345", "bob", "+04155550102", "1234567890123456", `${BOB}x1`];

for (const call of CHANGES) {
  Deno.test(`${call} refuses invalid numbers, unknown fields and bodies that are not JSON, and changes nothing`, () =>
    withApp(async (t) => {
      const [ann, bob] = await twoPeople(t);
      await t.befriend(ann, bob);
      const before = await listOf(t, ann);
      const put = (ask: Ask) => t.call("PUT", `/api/contacts/${call}`, { token: ann.token, ...ask });
      const whole = { phone_number: BOB, ...NEEDS[call] };
      for (const phone_number of NO_NUMBERS) {
        refused(await put({ json: { ...whole, phone_number } }), 400, "invalid_phone_number");
      }
      const strange = [14155550102, null, [BOB]].map((phone_number) => ({ ...whole, phone_number }));
      for (const json of [[], null, "x", NEEDS[call], { ...whole, status: "accepted" }, ...strange]) {
        refused(await put({ json }), 400, "invalid_input");
      }
      refused(await put({ headers: { "content-type": "application/json" }, raw: "{" }), 400, "invalid_json");
      refused(await put({ raw: "{}" }), 415, "unsupported_media_type");
      deepEqual(await listOf(t, ann), before);
    }));
}

Deno.test("GET of the path of a change is 405, and not a contact of that name", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const call of CHANGES) {
      refused(await t.call("GET", `/api/contacts/${call}`, { token }), 405, "method_not_allowed");
    }
  }));

Deno.test("accept, delete and update by POST are 405, and say what is allowed", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const call of ["accept", "delete", "update"]) {
      const answer = await t.call("POST", `/api/contacts/${call}`, { token: ann.token, json: {} });
      refused(answer, 405, "method_not_allowed");
      equal(answer.headers.get("allow")?.includes("PUT"), true);
    }
  }));
