// Users of a service in another process, which they reach by HTTP alone.

import { equal } from "./assert.ts";
import type { Answer, Person } from "./support.ts";

export type Reply = Answer;

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

const TRIES_MAX = 10;

/** Retries a 503 when the answer says so, a few times, as clients do. */
export async function persistently(call: () => Promise<Reply>): Promise<Reply> {
  for (let tries = 1;; tries += 1) {
    const reply = await call();
    if (reply.status !== 503 || tries === TRIES_MAX) return reply;
    const seconds = Number(reply.headers.get("retry-after"));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  }
}

/** Signs up with the passcode that the console driver shows. */
export async function signUp(url: string, phone: string): Promise<Person> {
  assertTaken(await ask(`${url}/api/auth/signup`, "POST", undefined, { phone_number: phone }));
  const { body } = await ask(`${url}/dev/sms?to=${encodeURIComponent(phone)}`, "GET");
  const passcode = body.messages[0].text.match(/^\d{6}/)[0];
  const answer = await ask(`${url}/api/auth/complete-signup`, "POST", undefined, {
    phone_number: phone,
    passcode,
  });
  assertTaken(answer);
  return { phone, token: answer.body.token };
}

export async function befriend(url: string, one: Person, other: Person): Promise<void> {
  for (const [me, peer] of [[one, other], [other, one]] as const) {
    assertTaken(
      await ask(`${url}/api/contacts/request`, "PUT", me.token, { phone_number: peer.phone }),
    );
  }
}

function assertTaken({ status, body }: Reply): void {
  equal(status, 200, JSON.stringify(body));
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
export async function wholeThread(url: string, me: Person, peer: Person): Promise<Reply["body"][]> {
  const messages: Reply["body"][] = [];
  while (true) {
    const after = messages.at(-1)?.id ?? 0;
    const page = `${url}/api/messages/${peer.phone}?count=255&after=${after}`;
    const { body } = await persistently(() => ask(page, "GET", me.token));
    messages.push(...body.messages.reverse());
    if (!body.has_more) return messages;
  }
}
