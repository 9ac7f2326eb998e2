// Helpers to upload, send and download media.

import { equal } from "./assert.ts";
import { type Person, succeeded, type TestApp } from "./support.ts";
import { upload, wavHead } from "./upload_calls.ts";

/** An answer with its raw bytes. */
export interface Fetched {
  status: number;
  headers: Headers;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A WAV file of this size in which no byte equals its neighbour. */
export function makeWav(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) bytes[at] = (at * 7 + (at >> 8) * 13 + (at >> 16)) % 251;
  bytes.set(wavHead(size));
  return bytes;
}

/** Uploads in one piece; returns the media's id. */
export async function addMedia(
  t: TestApp,
  me: Person,
  bytes: Uint8Array<ArrayBuffer>,
  kind: "audio" | "video" = "audio",
): Promise<number> {
  const answer = await upload(t, me, bytes, kind);
  succeeded(answer);
  return answer.body.id;
}

/** Sends uploaded media; returns the message. */
export async function sendMedia(
  t: TestApp,
  [from, to]: readonly [Person, Person],
  id: number,
  kind: "audio" | "video" = "audio",
) {
  const answer = await t.send(from, to, "", { message_type: kind, media_content_id: id });
  succeeded(answer);
  return answer.body.messages[0];
}

export async function fetchBytes(
  t: TestApp,
  path: string,
  { token, method = "GET", ...headers }: Record<string, string> = {},
): Promise<Fetched> {
  const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const response = await fetch(t.url + path, { method, headers: { ...authorization, ...headers } });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes };
}

/** The signed address of these media, as a path. */
export async function signedPath(t: TestApp, me: Person, id: number): Promise<string> {
  const answer = await t.call("GET", `/api/messages/media/${id}/url`, { token: me.token });
  succeeded(answer);
  const { pathname, search } = new URL(answer.body.url);
  return pathname + search;
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Asserts that both are the same bytes. */
export async function same(bytes: Uint8Array<ArrayBuffer>, as: Uint8Array<ArrayBuffer>): Promise<void> {
  equal(bytes.length, as.length);
  equal(await sha256(bytes), await sha256(as));
}
