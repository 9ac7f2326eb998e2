import { deepEqual, match, ok } from "./assert.ts";
import { sendRaw } from "./operations.ts";
import { ANN, BOB, refused, succeeded, withApp } from "./support.ts";

Deno.test("a phone number in a path may be written in every spelling, percent-encoded or not", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    const spellings = [
      "+14155550102",
      "%2B14155550102",
      "%2b1%204155550102",
      "0014155550102",
      "1-415-555-0102",
    ];
    for (const spelling of [...spellings, "%31%34155550102", "+1.(415).555.0102"]) {
      const answer = await t.call("GET", `/api/contacts/${spelling}`, ann);
      succeeded(answer);
      deepEqual(answer.body.contacts.map((contact: { phone_number: string }) => contact.phone_number), [BOB]);
    }
  }));

Deno.test("a phone number in a path that cannot be read is 400, never 500", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const oddities = [
      "%ZZ",
      "%",
      "%00",
      "%2F",
      "a%2Fb",
      "%E0%A4%A",
      "%FF",
      "%ED%A0%80",
      "..%2f",
      "%0A",
      "%252B1",
      "x",
    ];
    for (
      const oddity of [...oddities, "9".repeat(9_000), "constructor", "__proto__", "{phone_number}", "*"]
    ) {
      for (const section of ["contacts", "messages"]) {
        refused(await t.call("GET", `/api/${section}/${oddity}`, ann), 400, "invalid_phone_number");
      }
    }
  }));

Deno.test("a session id in a path that cannot be read is 404, never 500", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (
      const oddity of ["%ZZ", "%", "%2F", "%FF", "%ED%A0%80", "%0A", "x".repeat(9_000), "__proto__", "%00"]
    ) {
      refused(await t.call("DELETE", `/api/auth/sessions/${oddity}`, ann), 404, "session_not_found");
    }
  }));

Deno.test("a request that the HTTP server accepts but no route expects is never answered with 500", () =>
  withApp(async (t) => {
    const heads = [
      `GET /${"a".repeat(60_000)} HTTP/1.1\nHost: localhost`,
      `GET /?${"a".repeat(60_000)} HTTP/1.1\nHost: localhost`,
      "TRACE / HTTP/1.1\nHost: localhost",
      "CONNECT localhost:1 HTTP/1.1\nHost: localhost",
      "OPTIONS * HTTP/1.1\nHost: localhost",
      "get / HTTP/1.1\nHost: localhost",
      "GET / HTTP/1.1\nHost: [",
      "GET / HTTP/1.1\nHost: a b",
      "GET / HTTP/1.1\nHost: \u00e4/\\",
      "GET /dev/sms HTTP/1.1\nHost: a:b:c",
      "GET /dev/sms HTTP/1.0",
      "GET http://other.example/healthz HTTP/1.1\nHost: localhost",
      "GET \\healthz HTTP/1.1\nHost: localhost",
      "GET /healthz HTTP/1.1\nHost: localhost\nOrigin: \u0007",
      "GET /healthz HTTP/1.1\nHost: localhost\nX-Forwarded-For: ,,:::,",
      "POST /api/auth/signup HTTP/1.1\nHost: localhost\nContent-Type: application/json\nContent-Length: 5, 5",
    ];
    for (const head of heads) {
      const status = await sendRaw(t.url, `${head}\nConnection: close\n\n`);
      ok(!/ 5\d\d /.test(status), `${head.slice(0, 80)}: ${status}`);
    }
    succeeded(await t.call("GET", "/readyz"));
    deepEqual(t.log.filter((line) => line.includes('"ERROR"')), []);
  }));

Deno.test("a request whose body ends too early has no effect", () =>
  withApp(async (t) => {
    const { hostname, port } = new URL(t.url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const head = "POST /api/auth/signup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
      'Content-Length: 100\r\n\r\n{"phone_number":"+14155550101"}';
    await connection.write(new TextEncoder().encode(head));
    connection.close();
    succeeded(await t.call("POST", "/api/auth/signup", { json: { phone_number: ANN } }));
    deepEqual(t.services.console!.sent().length, 1);
    deepEqual(t.log.filter((line) => line.includes('"ERROR"')), []);
  }));

Deno.test("a wrong method is 405 even if the parameter cannot be read", () =>
  withApp(async (t) => {
    const answer = await t.call("PUT", "/api/contacts/%ZZ");
    refused(answer, 405, "method_not_allowed");
    match(answer.headers.get("allow") ?? "", /^GET, HEAD$/);
  }));

Deno.test("a request has at most one line in the log, even for an address with a star, and invented methods are not logged", () =>
  withApp(async (t) => {
    const lines = ["GET /*", "GET /*/x", "OPTIONS *", "GET *", "+14155559999 /healthz", "eyJhbGciOi.J9 /*"];
    for (const line of lines) {
      t.log.length = 0;
      const answer = await sendRaw(t.url, `${line} HTTP/1.1\nHost: localhost\nConnection: close\n\n`);
      match(answer, /^HTTP\/1.1 4/, line);
      const written = t.log.filter((entry) => entry.includes('"message":"request"'));
      ok(written.length <= 1, written.join("\n"));
      const method = /^(GET|OPTIONS) /.exec(line)?.[1] ?? "-";
      for (const entry of written) ok(entry.includes(`"method":"${method}"`), entry);
    }
  }));
