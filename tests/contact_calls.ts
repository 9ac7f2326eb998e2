// Helpers for calls of the contact list, and people with two sessions who record what they are told.

import type { Wire } from "../routes/wire.ts";
import type { TestSocket } from "./socket.ts";
import { type Answer, eventually, type Person, succeeded, type TestApp } from "./support.ts";

export type Change = "request" | "accept" | "delete" | "update";

export function change(
  t: TestApp,
  call: Change,
  me: Person,
  phone: string,
  more: Record<string, unknown> = {},
): Promise<Answer> {
  return t.call("PUT", `/api/contacts/${call}`, { token: me.token, json: { phone_number: phone, ...more } });
}

/** As in the OpenAPI document, which every answer was checked against. */
export type ContactRow = ReturnType<Wire["contact"]>;

export async function listOf(t: TestApp, me: Person, query = ""): Promise<ContactRow[]> {
  const answer = await t.call("GET", `/api/contacts${query}`, { token: me.token });
  succeeded(answer);
  return answer.body.contacts;
}

/** `status` by number, of my whole list. */
export async function statuses(t: TestApp, me: Person): Promise<Record<string, string>> {
  const list = await listOf(t, me);
  return Object.fromEntries(list.map(({ phone_number, status }) => [phone_number, status]));
}

/** A person with two sessions, each with a socket. Only the first session acts. */
export interface Watcher extends Person {
  id: number;
  acting: TestSocket;
  idle: TestSocket;
}

export async function watch(t: TestApp, phone: string): Promise<Watcher> {
  const person = await t.signUp(phone);
  const again = await t.signIn(phone);
  const [user] = await t.sql<{ id: number }[]>`select id from users where phone_number = ${phone}`;
  return {
    ...person,
    id: user!.id,
    acting: await t.socket(person.token),
    idle: await t.socket(again.token),
  };
}

let rings = 0;

/**
 * Waits until every socket has received everything sent before, by sending a later event and waiting for
 * that.
 */
export async function settle(t: TestApp, watchers: Watcher[]): Promise<void> {
  const sender = `bell ${rings += 1}`;
  const sockets = watchers.flatMap(({ acting, idle }) => [acting, idle]);
  for (const { id } of watchers) t.services.hub.tell({ to: id, event: "messages_updated", sender });
  await eventually(() => sockets.every(({ frames }) => frames.some((frame) => frame.sender === sender)));
}

/** Whether a socket was told that contacts changed, since its frames were cleared. */
export function wasTold(socket: TestSocket): boolean {
  return socket.frames.some(({ event }) => event === "contacts_updated");
}

export function forget(watchers: Watcher[]): void {
  for (const { acting, idle } of watchers) [acting, idle].forEach((socket) => socket.forget());
}
