// Helpers to see the status of messages from both sides.

import type { Answer, Person, TestApp } from "./support.ts";

/** The statuses of a sender's own messages, oldest first. To ask for them does not change them. */
export async function statuses(t: TestApp, sender: Person, peer: string): Promise<string[]> {
  const { body } = await t.call("GET", `/api/messages/${peer}?count=255`, { token: sender.token });
  return body.messages.filter((message: { sender: string }) => message.sender === sender.phone)
    .map(({ status }: { status: string }) => status).reverse();
}

export async function unread(t: TestApp, me: Person, peer: string): Promise<number> {
  const { body } = await t.call("GET", `/api/contacts/${peer}`, { token: me.token });
  return body.contacts[0].unread_messages;
}

export function put(t: TestApp, call: string, me: Person, json: unknown): Promise<Answer> {
  return t.call("PUT", `/api/messages/${call}`, { token: me.token, json });
}
