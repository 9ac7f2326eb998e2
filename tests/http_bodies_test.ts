import { deepEqual, equal, ok } from "./assert.ts";
import { type Json, listOperations, type Operation, readDocument } from "./operations.ts";
import { ANN, type Answer, BOB, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";

/** The sender has every permission, so that only the body is refused. */
interface Scene {
  t: TestApp;
  ann: Person;
  operations: Operation[];
}

/** Runs a check and asserts that it leaves the database unchanged. */
function leavingNothing(check: (scene: Scene) => Promise<void>): Promise<void> {
  return withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    await t.send(bob, ann, "Hello");
    const operations = listOperations(await readDocument(t)).filter(({ body }) => body === "fields");
    const before = await everything(t);
    await check({ t, ann, operations });
    deepEqual(await everything(t), before);
  });
}

/** Every row of every table, as text. */
async function everything({ sql }: TestApp): Promise<Record<string, string[]>> {
  const tables = await sql<{ name: string }[]>`
    select tablename as name
    from pg_tables
    where schemaname = 'public'
    order by tablename`;
  const rows = await Promise.all(
    tables.map(({ name }) => sql<{ row: string }[]>`select t::text as row from ${sql(name)} as t order by 1`),
  );
  return Object.fromEntries(tables.map(({ name }, place) => [name, rows[place]!.map(({ row }) => row)]));
}

function put({ t, ann }: Scene, { method, path, needsToken }: Operation, raw: string): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  return t.call(method, path, { raw, headers, ...(needsToken ? { token: ann.token } : {}) });
}

/** Asserts that a body was refused because of the field at `path` or one in it. */
function refusedAt(answer: Answer, path: string, about: string): void {
  equal(answer.status, 400, `${about}: ${JSON.stringify(answer.body)}`);
  ok(["invalid_input", "invalid_phone_number"].includes(answer.body.code), about);
  const paths = answer.body.issues.map((issue: { path: string }) => issue.path);
  ok(
    paths.some((at: string) => at === path || at.startsWith(`${path}.`)),
    `${about}: ${JSON.stringify(answer.body)}`,
  );
  for (const { message } of answer.body.issues) ok(/^(Must|Is|Has|Does|Write)\b/.test(message), message);
}

Deno.test("a body that is JSON but no object is 400 invalid_input", () =>
  leavingNothing(async (scene) => {
    for (const operation of scene.operations) {
      for (const raw of ["null", "[]", "[{}]", "3", '"x"', "true"]) {
        const answer = await put(scene, operation, raw);
        refused(answer, 400, "invalid_input");
        deepEqual(answer.body.issues, [{ path: "", message: "Must be an object" }]);
      }
    }
  }));

Deno.test("a body with an unknown field is 400 and the error names the field, whatever it is called", () =>
  leavingNothing(async (scene) => {
    for (const operation of scene.operations) {
      for (
        const key of ["x", "__proto__", "constructor", "toString", "", "Phone_Number", "\0", "\ud800", "a.b"]
      ) {
        const fields = JSON.stringify(operation.sample).slice(1, -1);
        for (const value of ["1", "null", '{"phone_number":1}']) {
          const answer = await put(scene, operation, `{${fields},${JSON.stringify(key)}:${value}}`);
          refusedAt(answer, key.toWellFormed(), `${operation.pattern} ${JSON.stringify(key)}`);
        }
      }
    }
  }));

Deno.test("a body with a field of another type is 400 and the error names the field", () =>
  leavingNothing(async (scene) => {
    for (const operation of scene.operations) {
      for (const [field, right] of Object.entries(operation.sample)) {
        const wrong: Json[] = [
          true,
          [],
          [right!],
          {},
          { a: [{ b: [null] }] },
          1.5,
          typeof right === "number" ? "42" : 42,
        ];
        for (const value of wrong) {
          const answer = await put(scene, operation, JSON.stringify({ ...operation.sample, [field]: value }));
          refusedAt(answer, field, `${operation.pattern} ${field} ${JSON.stringify(value)}`);
        }
      }
    }
  }));

Deno.test("a body with a NUL or a lone surrogate in a text is 400 and the error names the field", () =>
  leavingNothing(async (scene) => {
    for (const operation of scene.operations) {
      const texts = Object.entries(operation.sample).filter(([, value]) => typeof value === "string");
      for (const [field, right] of texts) {
        for (const bad of ["\0", "\ud800", "\udc00\ud800", "\udfff"]) {
          const raw = JSON.stringify({ ...operation.sample, [field]: right + bad });
          refusedAt(await put(scene, operation, raw), field, `${operation.pattern} ${field}`);
        }
      }
    }
  }));

Deno.test("a body without a required field is 400 and the error says that it is missing", () =>
  leavingNothing(async (scene) => {
    for (const operation of scene.operations) {
      const answer = await put(scene, operation, "{}");
      refused(answer, 400, "invalid_input");
      for (const { path, message } of answer.body.issues) {
        ok(path in operation.sample);
        equal(message, "Is missing");
      }
    }
  }));

Deno.test("a number that is invalid in every plan is 400 invalid_phone_number in every body that takes one", () =>
  leavingNothing(async (scene) => {
    const operations = scene.operations.filter(({ sample }) => "phone_number" in sample);
    ok(operations.length >= 10);
    for (const operation of operations) {
      const required = operation.pattern.endsWith("/send")
        ? { ...operation.sample, media_content_id: null }
        : operation.sample;
      for (
        const phone_number of ["", "12", "+0123456789", "+1415555012a", "+1234567890123456", "+".repeat(65)]
      ) {
        const answer = await put(scene, operation, JSON.stringify({ ...required, phone_number }));
        refused(answer, 400, "invalid_phone_number");
        deepEqual(answer.body.issues.map((issue: { path: string }) => issue.path), ["phone_number"]);
      }
    }
  }));

Deno.test("an id that is no whole number below 2^53 is 400", () =>
  leavingNothing(async (scene) => {
    const operations = scene.operations.filter(({ sample }) => "message_id" in sample);
    equal(operations.length, 2);
    for (const operation of operations) {
      for (const id of ["1.5", "9007199254740993", "1e400", '"1"', "true", "-9007199254740993", "[1]"]) {
        const raw = JSON.stringify({ ...operation.sample, phone_number: undefined, message_id: 0 })
          .replace('"message_id":0', `"message_id":${id}`);
        refusedAt(await put(scene, operation, raw), "message_id", `${operation.pattern} ${id}`);
      }
    }
  }));

Deno.test("issues say in plain words what is wrong, and there are at most twenty", () =>
  leavingNothing(async ({ t, ann }) => {
    const send = (json: unknown) => t.call("POST", "/api/messages/send", { token: ann.token, json });
    const wrong = {
      phone_number: 5,
      message_type: "picture",
      message: 7,
      media_content_id: 1.5,
      client_id: "",
    };
    deepEqual((await send(wrong)).body.issues, [
      { path: "phone_number", message: "Must be text" },
      { path: "message_type", message: 'Must be "text" or "audio" or "video"' },
      { path: "message", message: "Must be text" },
      { path: "media_content_id", message: "Must be an integer" },
      { path: "client_id", message: "Must have 1 to 64 characters" },
    ]);
    const friend = { phone_number: ANN, message_type: "text" };
    for (
      const [more, message] of [
        [{}, "Is missing"],
        [{ message: null }, "Is missing"],
        [{ message: "" }, "Must have 1 to 4096 characters"],
        [{ message: "x".repeat(4_097) }, "Must have at most 4096 characters"],
        [{ message: ["x"] }, "Must be one text, not several"],
      ] as const
    ) {
      deepEqual((await send({ ...friend, ...more })).body.issues, [{ path: "message", message }]);
    }
    const twice = await t.call("GET", `/api/messages/${ANN}?count=1&count=2`, { token: ann.token });
    deepEqual(twice.body.issues, [{ path: "count", message: "Must be one text, not several" }]);
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, place) => [`k${place}`, 1]));
    equal((await send(many)).body.issues.length, 20);
    const renewed = await t.call("POST", "/api/auth/renew", { token: ann.token, json: many });
    deepEqual([renewed.status, renewed.body.issues.length], [400, 20]);
  }));

/** Calls a route that takes no fields. */
function renew(t: TestApp, token: string, raw?: string): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  return t.call("POST", "/api/auth/renew", { token, headers, ...(raw === undefined ? {} : { raw }) });
}

Deno.test("a call without fields refuses any body but {}", () =>
  leavingNothing(async ({ t, ann: { token } }) => {
    for (const raw of ["[]", "null", "1", '{"__proto__":1}', '{"device":"x"}']) {
      refused(await renew(t, token, raw), 400, "invalid_input");
    }
    refused(await renew(t, token, "{"), 400, "invalid_json");
  }));

Deno.test("a call without fields takes no body, an empty one, and {}", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const raw of [undefined, "", "{}", " { } "]) succeeded(await renew(t, token, raw));
  }));

Deno.test("an unknown key is named by at most a hundred characters, all of them well-formed", () =>
  leavingNothing(async ({ t, ann: { token } }) => {
    const json = { ["a\ud800b"]: 1, ["k".repeat(5_000)]: 1 };
    for (const path of ["/api/auth/renew", "/api/contacts/accept"]) {
      const { status, body } = await t.call(path.endsWith("accept") ? "PUT" : "POST", path, { token, json });
      equal(status, 400, path);
      const unknown = body.issues.filter(({ message }: { message: string }) =>
        message === "Is not a known field"
      );
      deepEqual(unknown.map(({ path }: { path: string }) => path), [
        "a\ufffdb",
        `${"k".repeat(100)}...`,
      ]);
    }
  }));
