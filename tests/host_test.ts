import { equal, match } from "./assert.ts";
import { latin1, openHttp } from "./http_connection.ts";
import { listOperations, readDocument, sendRaw } from "./operations.ts";
import { ANN, type TestApp, withApp } from "./support.ts";

const BAD = [
  "a b",
  "//x",
  "a/b",
  "?",
  "a?b",
  "#",
  "[::1",
  "999999999999",
  "x:port",
  "a@b",
  "\u00e9",
  "%",
  ",",
];

async function askWithHost(t: TestApp, method: string, path: string, host: string, token: string) {
  const head =
    `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\ncontent-length: 0\r\n\r\n`;
  const connection = openHttp(t.url);
  const answer = await connection.ask(new TextEncoder().encode(head));
  connection.close();
  return { status: answer?.status, body: latin1(answer!.body) };
}

Deno.test("an invalid Host is 400 in every call, and the error names the header", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const { method, path } of listOperations(await readDocument(t))) {
      if (method === "HEAD") continue;
      for (const host of BAD) {
        const { status, body } = await askWithHost(t, method, path, host, token);
        equal(status, 400, `${method} ${path} ${host}`);
        match(body, /"code":"invalid_input".*"path":"Host"/);
      }
    }
  }));

Deno.test("a Host may be a name or an address, with a port or without, and may be missing in HTTP/1.0", () =>
  withApp(async (t) => {
    for (
      const host of [
        "talk.example",
        "TALK_1.example:",
        "localhost:3000",
        "10.0.0.1:80",
        "[::1]:3000",
        "[2001:DB8::1]:80",
        "xn--e1a.x",
      ]
    ) {
      equal((await askWithHost(t, "GET", "/healthz", host, "x")).status, 200, host);
    }
    match(await sendRaw(t.url, "GET /healthz HTTP/1.0\n\n"), /200/);
  }));

Deno.test("a full URL with an invalid host and without a Host header is 400, with every method", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const host of ["x:99999", "[::1", "%", "256.256.256.256", "xn--"]) {
      for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
        const answer = await sendRaw(
          t.url,
          `${method} http://${host}/api/uploads/1 HTTP/1.0\nAuthorization: Bearer ${token}\n` +
            "Tus-Resumable: 1.0.0\nUpload-Offset: 0\nContent-Length: 0\n\n",
        );
        match(answer, /^HTTP\/1.0 400/, `${method} ${host}`);
      }
    }
  }));

Deno.test("a full URL with an invalid host is 400, even with a Host header that was valid a moment ago", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const ask = (address: string) =>
      sendRaw(
        t.url,
        `GET ${address} HTTP/1.0\nHost: talk.example\nAuthorization: Bearer ${token}\n\n`,
      );
    for (
      const host of ["x:99999", "[::1", "%", "256.256.256.256", "xn--", "talk.example:99999", "talk.example%"]
    ) {
      match(await ask("/healthz"), / 200 /);
      match(await ask(`http://${host}/api/contacts`), / 400 /);
    }
  }));
