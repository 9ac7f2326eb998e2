// Resumable uploads: by raw calls, and by the protocol's own client.

import { Buffer } from "node:buffer";
import { type DetailedError, Upload } from "tus-js-client";
import { equal } from "./assert.ts";
import type { Answer, Ask, Person, TestApp } from "./support.ts";

export const TUS = { "tus-resumable": "1.0.0" };
export const BYTES = { ...TUS, "content-type": "application/offset+octet-stream" };

/** A value of `Upload-Metadata`. */
export function metadata(fields: Record<string, string>): string {
  return Object.entries(fields).map(([name, value]) => `${name} ${btoa(value)}`).join(",");
}

export function create(
  t: TestApp,
  { token }: Person,
  length: number,
  headers: Record<string, string> = {},
  ask: Ask = {},
): Promise<Answer> {
  const all = {
    ...TUS,
    "upload-length": String(length),
    "upload-metadata": metadata({ media_type: "audio" }),
    ...headers,
  };
  return t.call("POST", "/api/uploads", { token, headers: all, ...ask });
}

/** Creates an upload; returns its address. */
export async function begin(t: TestApp, me: Person, length: number): Promise<string> {
  const { status, headers, body } = await create(t, me, length);
  equal(status, 201, JSON.stringify(body));
  return headers.get("location")!;
}

export function patch(
  t: TestApp,
  { token }: Person,
  address: string,
  offset: number,
  raw: BodyInit,
): Promise<Answer> {
  return t.call("PATCH", address, { token, raw, headers: { ...BYTES, "upload-offset": String(offset) } });
}

export function head(t: TestApp, { token }: Person, address: string): Promise<Answer> {
  return t.call("HEAD", address, { token, headers: TUS });
}

/** The offset that HEAD reports. */
export async function offset(t: TestApp, me: Person, address: string): Promise<number> {
  const { status, headers } = await head(t, me, address);
  equal(status, 200);
  return Number(headers.get("upload-offset"));
}

export function idOf(address: string): number {
  return Number(address.split("/").at(-1));
}

export interface ClientOptions {
  token: string;
  bytes: Uint8Array;
  /** The address of an upload to resume. */
  uploadUrl?: string | undefined;
  chunkSize?: number;
  uploadDataDuringCreation?: boolean;
  overridePatchMethod?: boolean;
  /** Breaks the connection after this many bytes. */
  cutAt?: number;
  /** Milliseconds before each retry; without it there are none. */
  retryDelays?: number[];
  onShouldRetry?: (error: DetailedError) => boolean;
}

/** Uploads by tus-js-client; returns the upload's address, and whether it was finished. */
export function clientUpload(
  url: string,
  { token, bytes, uploadUrl, cutAt = Infinity, ...options }: ClientOptions,
): Promise<{ uploadUrl: string | undefined; finished: boolean }> {
  return new Promise((resolve, reject) => {
    const end = (finished: boolean): void => resolve({ uploadUrl: upload.url ?? undefined, finished });
    const upload: Upload = new Upload(Buffer.from(bytes), {
      endpoint: `${url}/api/uploads`,
      ...(uploadUrl === undefined ? {} : { uploadUrl }),
      headers: { authorization: `Bearer ${token}` },
      metadata: { media_type: "audio/wav" },
      retryDelays: null as never,
      ...options,
      onSuccess: () => end(true),
      onError: (error) => cutAt === Infinity ? reject(error) : end(false),
      onProgress: (sent) => {
        if (sent >= cutAt) upload.abort().then(() => end(false), reject);
      },
    });
    upload.start();
  });
}
