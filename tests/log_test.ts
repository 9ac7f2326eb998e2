import { configureLogging, log } from "../services/log.ts";
import { logDatabaseNews, logHearing } from "../services/outage_log.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { listOperations, readDocument } from "./operations.ts";
import { visit } from "./page_calls.ts";
import { ANN, BOB, CAT, type TestApp, withApp } from "./support.ts";

interface Line {
  "@timestamp": string;
  level: string;
  message: string;
  [field: string]: unknown;
}

function read(lines: string[]): Line[] {
  return lines.map((line) => JSON.parse(line));
}

Deno.test("every request is logged as one JSON line with its id, its route's pattern, its status and its duration", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    t.log.splice(0);
    const answers = [
      await t.call("GET", `/api/contacts/${BOB}?canary=1`, { token }),
      await t.call("DELETE", "/api/auth/sessions/canary", { token }),
      await t.call("POST", `/api/messages/${BOB}`),
      await t.call("GET", `/canary/${BOB}`),
      await t.call("HEAD", "/healthz"),
    ];
    const lines = read(t.log);
    deepEqual(
      lines.map((
        { level, message, method, route, status, code },
      ) => [level, message, method, route, status, code]),
      [
        ["INFO", "request", "GET", "/api/contacts/{phone_number}", 200, undefined],
        ["INFO", "request", "DELETE", "/api/auth/sessions/{id}", 404, "session_not_found"],
        ["INFO", "request", "POST", "/api/messages/{phone_number}", 405, "method_not_allowed"],
        ["INFO", "request", "GET", "-", 404, "not_found"],
        ["INFO", "request", "HEAD", "/healthz", 200, undefined],
      ],
    );
    lines.forEach(({ request_id, ms, ...line }, place) => {
      equal(request_id, answers[place]!.headers.get("x-request-id"));
      ok(typeof ms === "number" && ms >= 0 && ms < 60_000);
      match(line["@timestamp"], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    });
    ok(!t.log.join("").includes("canary"));
  }));

/**
 * Two people become friends and exchange messages, and one signs out; every operation is called with canaries
 * in its path, query and body.
 */
async function converse(t: TestApp): Promise<string[]> {
  const [ann, bob] = [await t.signUp(ANN, "canary-device"), await t.signUp(BOB)];
  await t.befriend(ann, bob);
  const [socket, code] = [await t.socket(bob.token), t.codeFor(ANN)];
  await t.send(ann, bob, "canary-text", { client_id: "canary-client" });
  await t.send(bob, ann, "canary-reply");
  for (const { method, path, needsToken } of listOperations(await readDocument(t))) {
    if (path.endsWith("/signout")) continue;
    const body = JSON.stringify({
      phone_number: CAT,
      passcode: "987123",
      message: "canary-body",
      x: "canary",
    });
    for (const token of [ann.token, `${ann.token}x`]) {
      await t.call(method, `${path}?token=${token}&canary-query=${CAT}`, {
        ...(needsToken ? { token } : {}),
        ...(/GET|HEAD/.test(method) ? {} : { raw: body }),
        headers: { "content-type": "application/json", "user-agent": "canary-agent" },
      });
    }
  }
  await visit(t, `/i/canary-invitation?${CAT}`);
  await t.call("GET", `/${CAT}/canary-path`, { token: ann.token });
  await t.call("POST", "/api/auth/signout", { token: bob.token });
  await socket.closed;
  return [code, "987123", ann.token, bob.token, "canary", "eyJ", "5550177", "1415555"];
}

Deno.test("the log of a whole conversation contains no number, code, token, text, link or query", () =>
  withApp(async (t) => {
    const secrets = await converse(t);
    ok(t.log.length > 30);
    for (const line of t.log) {
      for (const secret of secrets) ok(!line.includes(secret), `${secret} in ${line}`);
      ok(!line.includes("?"), line);
    }
  }));

Deno.test("a database error caused by a bug brings no values into the log", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    await t.sql`
      create function fail() returns trigger language plpgsql as $$
      begin
        raise exception 'cannot keep "%" of %', new.body, new.client_id using detail = new.body, hint = new.body;
      end $$`;
    await t.sql`create trigger fail before insert on messages for each row execute function fail()`;
    await t.sql`alter table passcodes rename to lost`;
    t.log.splice(0);
    equal((await t.send(ann, bob, "canary-text", { client_id: "canary-client" })).status, 500);
    equal((await t.call("POST", "/api/auth/signup", { json: { phone_number: CAT } })).status, 500);
    const lines = t.log.join("");
    equal(read(t.log).filter(({ level }) => level === "ERROR").length, 2);
    ok(!/canary|1415555/.test(lines), lines);
  }));

Deno.test("configureLogging() writes plain text for a terminal: time, level, what happened, its fields", () => {
  const lines: string[] = [];
  configureLogging("pretty", (line) => void lines.push(line));
  log.info("request", {
    method: "GET",
    status: 200,
    code: undefined,
    nothing: null,
    ms: 1.5,
    more: { a: 1 },
  });
  log.error("Unexpected error", { error: "TypeError" });

  match(
    lines[0]!,
    /^\d\d:\d\d:\d\d\.\d+ INFO request {2}method=GET {2}status=200 {2}ms=1.5 {2}more={"a":1}\n$/,
  );
  match(lines[1]!, /^[\d:.]+ ERROR Unexpected error {2}error=TypeError\n$/);
});

Deno.test("configureLogging() writes one line of JSON per event, whatever is in it", () => {
  const lines: string[] = [];
  configureLogging("json", (line) => void lines.push(line));
  log.warn("Odd", { text: 'a\nb\u2028"c"{d}', nested: { deep: [1] } });

  equal(lines.length, 1);
  equal(lines[0]!.indexOf("\n"), lines[0]!.length - 1);
  const { text, nested, level } = JSON.parse(lines[0]!);
  deepEqual([text, nested, level], ['a\nb\u2028"c"{d}', { deep: [1] }, "WARN"]);
});

Deno.test("every line has the time of its event, also several lines of the same moment", () => {
  const lines: string[] = [];
  configureLogging("json", (line) => void lines.push(line));
  const since = Date.now();
  log.info("before");
  while (Date.now() === since) { /* until the clock ticks */ }
  const later = Date.now();
  log.info("after");
  log.info("after");
  const until = Date.now();

  const times = read(lines).map((line) => Date.parse(line["@timestamp"]));
  ok(times[0]! >= since && times[0]! <= later, `${since} ${times} ${until}`);
  for (const time of times.slice(1)) ok(time >= later && time <= until, `${later} ${times} ${until}`);
});

Deno.test("the log says why the database is unavailable and for how long it was, and only an outage is an error", () => {
  const lines: string[] = [];
  configureLogging("json", (line) => void lines.push(line));
  const server = "db.example:5432";
  logDatabaseNews({ event: "away", reason: "the database system is shutting down", code: "57P03", server });
  logDatabaseNews({ event: "held", reason: "lock timeout", code: "55P03", server });
  logDatabaseNews({ event: "cramped", reason: "too many clients", code: "53300", server, connections: 10 });
  logDatabaseNews({ event: "back", server, afterMs: 1_500 });
  logHearing.onLost({ reason: "connection reset", code: "ECONNRESET" });
  logHearing.onBack(2_500.4);

  deepEqual(
    read(lines).map(({ "@timestamp": _, logger: __, ...line }) => line),
    [
      {
        level: "ERROR",
        message: "Database unavailable",
        reason: "the database system is shutting down",
        code: "57P03",
        server,
      },
      {
        level: "WARN",
        message: "Calls gave up waiting for a lock",
        reason: "lock timeout",
        code: "55P03",
        server,
      },
      {
        level: "WARN",
        message: "Database refuses more connections",
        reason: "too many clients",
        code: "53300",
        server,
        open: 10,
      },
      { level: "INFO", message: "Database is back", server, after_ms: 1_500 },
      {
        level: "WARN",
        message: "Not receiving events of other processes",
        reason: "connection reset",
        code: "ECONNRESET",
      },
      { level: "INFO", message: "Receiving events of other processes again", after_ms: 2_500 },
    ],
  );
});
