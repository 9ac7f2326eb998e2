// The output of `deno task build`, held in memory: it is small, and no other file can be served.

import { createHash } from "node:crypto";

type Encoding = "br" | "gzip";

export interface WebFile {
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** The bytes, compressed. */
  encoded: Partial<Record<Encoding, Uint8Array<ArrayBuffer>>>;
  /** Part of the ETag, without quotes and encoding. */
  hash: string;
  /** Whether its name changes with its content. */
  isImmutable: boolean;
  /** Of a page: the hash that its policy allows its style by; otherwise null. */
  styleHash: string | null;
}

export type WebFiles = ReadonlyMap<string, WebFile>;

export const NO_FILES: WebFiles = new Map();

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
};

/** Every file by its name; empty if nothing was built. */
export async function readWebFiles(folder: URL): Promise<WebFiles> {
  const files = new Map<string, WebFile>();
  const names = await listNames(folder);
  const read = (name: string) => Deno.readFile(new URL(name, folder));
  for (const name of names) {
    const type = TYPES[name.split(".").pop()!];
    if (!type) continue;
    const bytes = await read(name);
    const encoded: WebFile["encoded"] = {};
    if (names.includes(`${name}.br`)) encoded.br = await read(`${name}.br`);
    if (names.includes(`${name}.gz`)) encoded.gzip = await read(`${name}.gz`);
    files.set(name, {
      type,
      bytes,
      encoded,
      hash: createHash("sha256").update(bytes).digest("base64url").slice(0, 16),
      isImmutable: /-[0-9a-f]{8}\.js$/.test(name),
      styleHash: name.endsWith(".html") ? styleHashOf(new TextDecoder().decode(bytes)) : null,
    });
  }
  return files;
}

async function listNames(folder: URL): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function styleHashOf(html: string): string {
  const style = html.match(/<style>([\s\S]*?)<\/style>/)?.[1] ?? "";
  return `'sha256-${createHash("sha256").update(style).digest("base64")}'`;
}

/**
 * The smallest encoding of the file that the client accepts (RFC 9110, section 12.5.3); null to send it as it
 * is.
 */
export function encodingFor(file: WebFile, header = ""): Encoding | null {
  const taken = new Map(
    header.split(",").map((part) => {
      const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
      const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
      return [name, Number(quality)];
    }),
  );
  const best = (["br", "gzip"] as const).find((name) => file.encoded[name] && (taken.get(name) ?? 0) > 0);
  return best ?? null;
}
