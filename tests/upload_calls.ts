// Helpers for uploads: real files, bodies as phones send them, and what is left in the database.

import { equal } from "./assert.ts";
import type { Answer, Person, TestApp } from "./support.ts";

const FOLDER = new URL("fixtures/media/", import.meta.url);
const BOUNDARY = "----boundary";

export const MULTIPART = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };

export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(name, FOLDER));
}

export interface Part {
  bytes: Uint8Array | string;
  /** The headers of the part; by default those of a part named `file`. */
  head?: string;
}

/** A multipart body of these parts, in order. */
export function multipart(...parts: Part[]): Uint8Array<ArrayBuffer> {
  const pieces: (Uint8Array | string)[] = [];
  for (const { bytes, head = partHead("file") } of parts) {
    pieces.push(`--${BOUNDARY}\r\n${head}\r\n\r\n`, bytes, "\r\n");
  }
  return joined(...pieces, `--${BOUNDARY}--\r\n`);
}

export function partHead(name: string, filename = '; filename="voice"'): string {
  return `Content-Disposition: form-data; name="${name}"${filename}\r\nContent-Type: application/octet-stream`;
}

export function joined(...pieces: (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const all = pieces.map((piece) => typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const piece of all) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

/** Uploads a file as a browser's form does. */
export function upload(
  t: TestApp,
  { token }: Person,
  bytes: Uint8Array | string,
  mediaType = "audio",
): Promise<Answer> {
  return uploadBody(t, token, multipart({ bytes }), mediaType);
}

export function uploadBody(
  t: TestApp,
  token: string,
  raw: BodyInit,
  mediaType = "audio",
  headers: Record<string, string> = MULTIPART,
): Promise<Answer> {
  const path = `/api/messages/upload_media?media_type=${encodeURIComponent(mediaType)}`;
  return t.call("POST", path, { token, raw, headers });
}

/** A WAV file of silence of this size. */
export function wav(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  bytes.set(wavHead(size));
  return bytes;
}

/** The 44 bytes of a WAV file's head: mono, 8 bits, 8000 samples a second. */
export function wavHead(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(44);
  const view = new DataView(bytes.buffer);
  const words: [offset: number, text: string][] = [[0, "RIFF"], [8, "WAVE"], [12, "fmt "], [36, "data"]];
  for (const [offset, text] of words) bytes.set(new TextEncoder().encode(text), offset);
  view.setUint32(4, size - 8, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, 8000, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  view.setUint32(40, size - 44, true);
  return bytes;
}

/** Downloads media by id. */
export async function download(t: TestApp, { token }: Person, id: number | string): Promise<Uint8Array> {
  const response = await fetch(`${t.url}/api/messages/media/${id}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  equal(response.status, 200);
  return await response.bytes();
}

/** Counts the rows and the large objects of media. */
export async function remains({ sql }: Pick<TestApp, "sql">): Promise<{ rows: number; objects: number }> {
  const [row] = await sql<{ rows: number; objects: number }[]>`
    select
      (select count(*)::int from media) as rows,
      (select count(*)::int from pg_largeobject_metadata) as objects`;
  return { ...row! };
}

export const NOTHING = { rows: 0, objects: 0 };
