// People who use a service in a process of its own, as clients do: by HTTP alone.

import { strictEqual } from "node:assert/strict";
import type { Person } from "./support.ts";

// deno-lint-ignore no-explicit-any -- tests look into bodies
type Body = any;

export interface Reply {
  status: number;
  headers: Headers;
  body: Body;
}

export async function ask(url: string, method: string, token?: string, json?: unknown): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Signs up with the passcode that the console driver shows. */
export async function signUp(url: string, phone: string): Promise<Person> {
  strictEqual(
    (await ask(`${url}/api/auth/signup`, "POST", undefined, { phone_number: phone })).status,
    200,
  );
  const { body } = await ask(`${url}/dev/sms?to=${encodeURIComponent(phone)}`, "GET");
  const passcode = body.messages[0].text.match(/^\d{6}/)[0];
  const answer = await ask(`${url}/api/auth/complete-signup`, "POST", undefined, {
    phone_number: phone,
    passcode,
  });
  strictEqual(answer.status, 200);
  return { phone, token: answer.body.token };
}

export async function befriend(url: string, one: Person, other: Person): Promise<void> {
  for (const [me, peer] of [[one, other], [other, one]] as const) {
    const answer = await ask(`${url}/api/contacts/request`, "PUT", me.token, { phone_number: peer.phone });
    strictEqual(answer.status, 200);
  }
}

export function send(url: string, from: Person, to: Person, text: string, clientId?: string): Promise<Reply> {
  return ask(`${url}/api/messages/send`, "POST", from.token, {
    phone_number: to.phone,
    message_type: "text",
    message: text,
    client_id: clientId ?? null,
  });
}

/** Every message of a thread, oldest first. */
export async function wholeThread(url: string, me: Person, peer: Person): Promise<Body[]> {
  const messages: Body[] = [];
  while (true) {
    const after = messages.at(-1)?.id ?? 0;
    const { body } = await ask(`${url}/api/messages/${peer.phone}?count=255&after=${after}`, "GET", me.token);
    messages.push(...body.messages.reverse());
    if (!body.has_more) return messages;
  }
}
