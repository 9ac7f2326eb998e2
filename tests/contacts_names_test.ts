import { displayName } from "../routes/fields.ts";
import { deepEqual, equal } from "./assert.ts";
import { change, forget, listOf, settle, wasTold, watch } from "./contact_calls.ts";
import { ANN, BOB, CAT, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";

const nameFor = async (t: TestApp, me: Person) => (await listOf(t, me))[0]!.display_name;

/** Ann, with Bob as her only contact. */
async function annWithBob(t: TestApp): Promise<Person> {
  const ann = await t.signUp(ANN);
  succeeded(await change(t, "request", ann, BOB));
  return ann;
}

Deno.test("update sets my name for a contact, and answers with the whole list", () =>
  withApp(async (t) => {
    const ann = await annWithBob(t);
    await change(t, "request", ann, CAT);
    const answer = await change(t, "update", ann, BOB, { display_name: "Bo" });
    succeeded(answer);
    deepEqual(answer.body.contacts, await listOf(t, ann));
    const names = answer.body.contacts.map((
      row: Record<string, string>,
    ) => [row!.phone_number, row!.display_name]);
    deepEqual(names, [[CAT, ""], [BOB, "Bo"]]);
  }));

Deno.test("update notifies my other sessions; the contact neither sees it nor is notified", () =>
  withApp(async (t) => {
    const [ann, bob] = [await watch(t, ANN), await watch(t, BOB)];
    await t.befriend(ann, bob);
    await settle(t, [ann, bob]);
    forget([ann, bob]);
    const before = await listOf(t, bob);
    succeeded(await change(t, "update", ann, BOB, { display_name: "Bo" }));
    await settle(t, [ann, bob]);
    deepEqual([ann.idle, bob.acting, bob.idle].map(wasTold), [true, false, false]);
    deepEqual(await listOf(t, bob), before);
  }));

const KEPT = {
  "the empty name, which is unset": ["", ""],
  "50 characters": ["x".repeat(50), "x".repeat(50)],
  "50 code points outside the basic plane": ["\u{1f427}".repeat(50), "\u{1f427}".repeat(50)],
  "100 code points that are 50 when composed": ["e\u0301".repeat(50), "\u00e9".repeat(50)],
  "200 code points that are 50 when composed": ["\u03b1\u0313\u0300\u0345".repeat(50), "\u1f82".repeat(50)],
  "an emoji of several code points": [
    "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
    "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
  ],
  "a composed letter, decomposed": ["A\u030angstro\u0308m", "\u00c5ngstr\u00f6m"],
  "right-to-left letters with a mark": ["\u05d0\u05d1\u200f", "\u05d0\u05d1\u200f"],
  "quotes, backslashes and what SQL or HTML would read": ["'; -- \\ <b>%_", "'; -- \\ <b>%_"],
} as const;

Deno.test("display_name is kept in NFC, up to 50 code points, by update and by request", () =>
  withApp(async (t) => {
    const ann = await annWithBob(t);
    for (const [what, [given, kept]] of Object.entries(KEPT)) {
      succeeded(await change(t, "update", ann, BOB, { display_name: given }));
      equal(await nameFor(t, ann), kept, what);
      succeeded(await change(t, "delete", ann, BOB));
      succeeded(await change(t, "request", ann, BOB, { display_name: given }));
      equal(await nameFor(t, ann), kept, what);
    }
  }));

const REFUSED = {
  "51 characters": "x".repeat(51),
  "51 emoji": "\u{1f427}".repeat(51),
  "26 code points that are 52 when normalised": "\u0958".repeat(26),
  "a line feed": "Bo\nb",
  "a tab": "Bo\tb",
  "NUL": "Bo\0b",
  "DEL": "Bo\x7fb",
  "a control character of the second block": "Bo\u0085b",
  "a lone surrogate": "Bo\ud83d",
  "null": null,
  "a number": 7,
  ...Object.fromEntries(
    [..."\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
      .map((override) => [`U+${override.codePointAt(0)!.toString(16)}`, `Bo${override}b`]),
  ),
};

Deno.test("display_name may not be too long or have controls or bidi overrides, and nothing is half-applied", () =>
  withApp(async (t) => {
    const ann = await annWithBob(t);
    succeeded(await change(t, "update", ann, BOB, { display_name: "Bo" }));
    const before = await listOf(t, ann);
    for (const [what, display_name] of Object.entries(REFUSED)) {
      for (const [call, phone] of [["update", BOB], ["request", CAT]] as const) {
        const answer = await change(t, call, ann, phone, { display_name });
        refused(answer, 400, "invalid_input");
        deepEqual(answer.body.issues.map(({ path }: { path: string }) => path), ["display_name"], what);
      }
    }
    deepEqual(await listOf(t, ann), before);
  }));

Deno.test("display_name is not normalised if it is far too long, which could take hours", () => {
  equal(displayName.safeParse(`a${"\u0301\u0316".repeat(3_000_000)}`).success, false);
});

Deno.test("update without a name is 400, and accept and delete take none", () =>
  withApp(async (t) => {
    const ann = await annWithBob(t);
    refused(await change(t, "update", ann, BOB), 400, "invalid_input");
    refused(await change(t, "accept", ann, BOB, { display_name: "Bo" }), 400, "invalid_input");
    refused(await change(t, "delete", ann, BOB, { display_name: "Bo" }), 400, "invalid_input");
    equal((await listOf(t, ann)).length, 1);
  }));

Deno.test("display_name is kept by a further request without one, and replaced or unset by a request with one", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await change(t, "request", ann, BOB, { display_name: "Bo" });
    await change(t, "accept", bob, ANN);
    equal(await nameFor(t, ann), "Bo");
    await change(t, "delete", ann, BOB);
    equal(await nameFor(t, ann), "Bo");
    succeeded(await change(t, "request", ann, BOB));
    equal(await nameFor(t, ann), "Bo");
    await change(t, "delete", ann, BOB);
    succeeded(await change(t, "request", ann, BOB, { display_name: "Robert" }));
    equal(await nameFor(t, ann), "Robert");
    await change(t, "delete", ann, BOB);
    succeeded(await change(t, "request", ann, BOB, { display_name: "" }));
    equal(await nameFor(t, ann), "");
  }));

Deno.test("display_name is deleted with its row", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await change(t, "request", ann, BOB, { display_name: "Bo" });
    await change(t, "update", bob, ANN, { display_name: "An" });
    await change(t, "delete", ann, BOB);
    succeeded(await change(t, "request", ann, BOB));
    equal(await nameFor(t, ann), "");
    equal(await nameFor(t, bob), "");
  }));
