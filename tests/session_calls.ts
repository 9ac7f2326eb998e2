// Helpers for calls about sessions.

import { equal } from "./assert.ts";

import type { TestSocket } from "./socket.ts";
import { type Answer, eventually, succeeded, type TestApp } from "./support.ts";

export interface Listed {
  id: string;
  device: string;
  created_at: string;
  last_seen_at: string;
  current: boolean;
}

export async function list(t: TestApp, token: string): Promise<Listed[]> {
  const answer = await t.call("GET", "/api/auth/sessions", { token });
  succeeded(answer);
  return answer.body.sessions;
}

export async function currentId(t: TestApp, token: string): Promise<string> {
  return (await list(t, token)).find(({ current }) => current)!.id;
}

/** Any call that needs a session and nothing else. */
export function visit(t: TestApp, token: string): Promise<Answer> {
  return t.call("GET", "/api/contacts", { token });
}

export function end(t: TestApp, token: string, id: string): Promise<Answer> {
  return t.call("DELETE", `/api/auth/sessions/${id}`, { token });
}

export async function endsWith4001(socket: TestSocket): Promise<void> {
  await eventually(() => socket.raw.readyState === WebSocket.CLOSED);
  equal(await socket.closed, 4001);
}
