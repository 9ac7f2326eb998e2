// The errors that can happen in such a life (canary_life.ts), each with something secret in it.

import { equal, ok } from "./assert.ts";
import type { Kind } from "./canary.ts";
import { call, type Life } from "./canary_life.ts";
import { type Document, isPage } from "./operations.ts";
import type { Person } from "./support.ts";
import { MULTIPART, multipart } from "./upload_calls.ts";

/** SMS that Twilio refuses, in messages that quote the number and the text. */
export async function failToSend(life: Life, phones: string[]): Promise<void> {
  for (const [place, code] of [21211, 21610, 30003, 20003].entries()) {
    const phone_number = life.canaries.note("number", phones[place]!);
    life.twilio.answer({ status: 400, code });
    ok((await call(life, "POST", "/api/auth/signup", { json: { phone_number } })).status >= 400);
  }
  const phone_number = life.canaries.note("number", phones[4]!);
  life.twilio.answer(() => new Response(`<html>${phone_number}`, { status: 502 }));
  equal((await call(life, "POST", "/api/auth/signup", { json: { phone_number } })).status, 500);
}

/** Mistakes of people; `stranger` has no account. */
export async function err(life: Life, ann: Person, bob: Person, stranger: string): Promise<void> {
  const { canaries } = life;
  const phone_number = canaries.note("number", stranger);
  const text = () => ({ message_type: "text", message: canaries.make("text") });
  const asks: [method: string, path: string, json?: object | string][] = [
    ["POST", "/api/auth/signup", { phone_number: ann.phone }],
    ["POST", "/api/auth/signup", { phone_number: `${stranger}${stranger.slice(1)}` }],
    ["POST", "/api/auth/signin", { phone_number }],
    ["POST", "/api/auth/signin", { phone_number: bob.phone }],
    ["POST", "/api/auth/signin", { phone_number: bob.phone }],
    ...Array.from({ length: 6 }, (_, place): [string, string, object] => [
      "POST",
      "/api/auth/complete-signin",
      { phone_number: bob.phone, passcode: canaries.note("passcode", String(842_751 + place)) },
    ]),
    ["PUT", "/api/contacts/request", { phone_number: ann.phone, display_name: canaries.make("label") }],
    ["PUT", "/api/contacts/request", { phone_number: bob.phone, display_name: canaries.make("label") }],
    ["PUT", "/api/contacts/accept", { phone_number }],
    ["PUT", "/api/contacts/update", { phone_number, display_name: canaries.make("label") }],
    ["POST", "/api/messages/send", { phone_number, ...text() }],
    ["POST", "/api/messages/send", {
      phone_number: bob.phone,
      ...text(),
      message_type: "audio",
      media_content_id: 7,
    }],
    ["PUT", "/api/messages/read", { message_id: 7 }],
    ["PUT", "/api/messages/read_all_text", { phone_number }],
    ["DELETE", `/api/messages/${encodeURIComponent(bob.phone)}`],
    ["PATCH", "/api/uploads/7"],
    ["POST", "/api/messages/upload_media?media_type=audio", multipartText(canaries.make("media"))],
    ["PUT", "/api/contacts/request", { phone_number, display_name: canaries.make("label") }],
    ["PUT", "/api/contacts/request", { phone_number, display_name: canaries.make("label") }],
    ["POST", "/api/messages/send", { phone_number, ...text() }],
  ];
  for (const [method, path, body] of asks) {
    const headers = typeof body === "string" ? MULTIPART : { "tus-resumable": "1.0.0" };
    const sent = typeof body === "string" ? { raw: body } : body ? { json: body } : {};
    await call(life, method, path, { token: ann.token, headers, ...sent });
  }
}

function multipartText(bytes: string): string {
  return new TextDecoder().decode(multipart({ bytes }));
}

const KINDS: Record<string, Kind> = {
  phone_number: "number",
  passcode: "text",
  token: "token",
  session: "token",
  message: "text",
};

/** Every call, with something secret in every field: mostly refused, and logged. */
export async function callEverything(life: Life, { token }: Person, number: string): Promise<void> {
  const { canaries } = life;
  canaries.note("number", number);
  const odd = (name: string) => name === "phone_number" ? number : canaries.make(KINDS[name] ?? "query");
  const document: Document = (await call(life, "GET", "/openapi.json")).body;
  for (const [pattern, methods] of Object.entries<Document>(document.paths)) {
    for (const [method, operation] of Object.entries<Document>(methods)) {
      if (pattern.endsWith("/signout")) continue;
      const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(odd(name)));
      const query = `token=${canaries.make("token")}&to=${encodeURIComponent(number)}&signature=${
        canaries.make("token")
      }&x=${odd("x")}`;
      const content = Object.keys(operation.requestBody?.content ?? {})[0] ?? "application/json";
      const bodies = /get|head|options/.test(method) ? [undefined] : bodiesOf(operation, document, odd);
      for (const raw of bodies) {
        for (
          const who of operation.security.length > 0 && !isPage(operation)
            ? [token, `${token}x`]
            : [undefined]
        ) {
          await call(life, method.toUpperCase(), `${path}?${query}`, {
            token: who,
            headers: {
              "content-type": content,
              "user-agent": canaries.make("device"),
              referer: `http://x/${odd("x")}`,
              "idempotency-key": canaries.make("client_id"),
            },
            ...(raw === undefined ? {} : { raw }),
          });
        }
      }
    }
  }
  await call(life, "GET", `/${odd("x")}/${encodeURIComponent(number)}?x=${odd("x")}`);
}

/** A body with every field, one that is cut in the middle, and one that is too large. */
function bodiesOf({ requestBody }: Document, document: Document, odd: (name: string) => string): string[] {
  const schema = Object.values<Document>(requestBody?.content ?? {})[0]?.schema ?? {};
  const name = schema.$ref?.split("/").at(-1);
  const fields = Object.keys((name ? document.components.schemas[name] : schema).properties ?? {});
  const json = JSON.stringify(Object.fromEntries([...fields, "x"].map((field) => [field, odd(field)])));
  return [json, json.slice(0, -2), odd("message") + "\xff", odd("message").repeat(3_000)];
}
