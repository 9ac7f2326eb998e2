import { STATUS } from "../routes/errors.ts";
import { AppError, ERROR_TEXTS } from "../services/errors.ts";
import { describeError } from "../services/log.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { ANN, BOB, refused, succeeded, withApp } from "./support.ts";

const HERE = new URL("./", import.meta.url);

Deno.test("every error code is named in some test", async () => {
  const untested = new Set<string>(Object.keys(ERROR_TEXTS));
  for await (const { name } of Deno.readDir(HERE)) {
    if (!name.endsWith("_test.ts") || name === "errors_test.ts") continue;
    const text = await Deno.readTextFile(new URL(name, HERE));
    for (const code of untested) if (text.includes(`"${code}"`)) untested.delete(code);
  }
  untested.delete("unexpected"); // below
  deepEqual([...untested], []);
});

Deno.test("every error code has a text for people that reveals no internals", () => {
  for (const [code, text] of Object.entries(ERROR_TEXTS)) {
    ok(/^[A-Z].{10,120}[^.]$/.test(text), code);
    ok(!/sql|postgres|null|undefined|exception/i.test(text), code);
    equal(new AppError(code as keyof typeof ERROR_TEXTS).message, text);
  }
  deepEqual(Object.keys(STATUS).sort(), Object.keys(ERROR_TEXTS).sort());
});

Deno.test("an error that says when to try again says it in words too", () => {
  const words = [1, 2, 89, 90, 3_600, 5_340, 5_341, 86_400].map((retryAfter) =>
    new AppError("rate_limited", { retryAfter }).message.replace("Too many requests; try again in ", "")
  );
  deepEqual(words, [
    "1 second",
    "2 seconds",
    "89 seconds",
    "2 minutes",
    "60 minutes",
    "89 minutes",
    "2 hours",
    "24 hours",
  ]);
  ok(new AppError("too_many_attempts", { retryAfter: 40 }).message.endsWith("for a new one in 40 seconds"));
  equal(new AppError("passcode_expired", { retryAfter: 1 }).message, ERROR_TEXTS.passcode_expired);
});

Deno.test("an unexpected error is 500 with a fixed text, and the log has it under the request's id without values", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    await t.sql`alter table messages add constraint broken check (body <> 'canary text')`;

    const answer = await t.send(ann, bob, "canary text", { client_id: "canary-id" });
    refused(answer, 500, "unexpected");
    deepEqual(Object.keys(answer.body).sort(), ["code", "message", "request_id", "success"]);
    equal(answer.body.message, ERROR_TEXTS.unexpected);

    const line = JSON.parse(t.log.find((entry) => entry.includes('"ERROR"'))!);
    deepEqual([line.request_id, line.error, line.code], [answer.body.request_id, "PostgresError", "23514"]);
    equal(line.constraint_name, "broken");
    ok(!/canary|1415555|eyJ/.test(t.log.join("")));
    succeeded(await t.send(ann, bob, "another text"));
  }));

Deno.test("an unexpected error leaves nothing of the call behind", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.sql`alter table contacts rename to lost`;
    const answer = await t.call("PUT", "/api/contacts/request", {
      token: ann.token,
      json: { phone_number: bob.phone },
    });
    refused(answer, 500, "unexpected");
    await t.sql`alter table lost rename to contacts`;
    for (const { token } of [ann, bob]) {
      deepEqual((await t.call("GET", "/api/contacts", { token })).body.contacts, []);
    }
  }));

Deno.test("describeError() describes a database error by its code and names, never by its message", () => {
  const error = Object.assign(new Error('Key (phone_number)=(+14155550101) already exists: "canary"'), {
    name: "PostgresError",
    code: "23505",
    detail: "canary",
    where: "canary",
    query: "canary",
    parameters: ["canary"],
    constraint_name: "users_phone_number_key",
    table_name: "users",
  });
  const described = describeError(new Error("Cannot sign up", { cause: error }));

  ok(!/canary|1415555/.test(JSON.stringify(described)), JSON.stringify(described));
  const { stack, ...cause } = described.cause as Record<string, unknown>;
  deepEqual(cause, {
    error: "PostgresError",
    code: "23505",
    constraint_name: "users_phone_number_key",
    table_name: "users",
  });
  ok(typeof stack === "string" && described.reason === "Cannot sign up");
});

Deno.test("describeError() says only the type of a thrown value that is no error", () => {
  deepEqual(describeError("canary"), { error: "string" });
  deepEqual(describeError({ canary: 1 }), { error: "object" });
});
