// Reads a JSON body before the schemas see it. The framework would replace invalid UTF-8 silently, and hold a
// body of any size.

import { AppError } from "../../services/errors.ts";
import { createDeadlines } from "../deadlines.ts";
import { unknownKey } from "../fields.ts";
import { openBody, READ_BYTES } from "./body_reader.ts";
import { judgeEncoding } from "./content_encoding.ts";

/** 64 KiB is more than any call needs. */
const JSON_BYTES_MAX = 65_536;
/** In milliseconds from the start of reading; 64 KiB take far less on any phone network. */
const deadlines = createDeadlines(10_000);

/**
 * Reads and parses a JSON body; it must be UTF-8 (RFC 8259, section 8.1).
 * @throws AppError unsupported_media_type, too_large, invalid_json, request_timeout
 */
export async function readJsonBody(request: Request): Promise<unknown> {
  judgeEncoding(request);
  if (!isJson(request.headers.get("content-type"))) throw new AppError("unsupported_media_type");
  return parse(await readBytes(request));
}

/**
 * Reads the body of a call without fields: none at all, or an empty JSON object.
 * @throws AppError invalid_input, and those of `readJsonBody`
 */
export async function readNoBody(request: Request): Promise<void> {
  judgeEncoding(request);
  const bytes = isJson(request.headers.get("content-type"))
    ? await readBytes(request)
    : await readBytes(request, { bytesMax: 0, refusal: () => new AppError("unsupported_media_type") });
  if (bytes.length === 0) return;
  const value = parse(bytes);
  const keys = typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.keys(value)
    : null;
  if (keys?.length === 0) return;
  const issues = keys?.map((key) => unknownKey(key)) ??
    [{ path: "", message: "Must be an object" }];
  throw new AppError("invalid_input", { issues });
}

function isJson(contentType: string | null): boolean {
  if (contentType === "application/json") return true;
  const [type = "", ...parameters] = (contentType ?? "").toLowerCase().split(";").map((part) => part.trim());
  return type === "application/json" &&
    parameters.every((parameter) =>
      !parameter.startsWith("charset=") || /^charset="?utf-?8"?$/.test(parameter)
    );
}

/** The largest allowed body, and the error for a larger one. */
interface Size {
  bytesMax: number;
  refusal: () => AppError;
}

/**
 * The whole body. @throws AppError too_large at once; rejects with too_large, invalid_json, request_timeout
 */
export function readBytes(
  request: Request,
  size: Size = { bytesMax: JSON_BYTES_MAX, refusal: tooLarge },
): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (Number(declared) > size.bytesMax) throw size.refusal();
  // A body cannot exceed its declared length (RFC 9112, section 6.3). So a small one may be read whole; a
  // large one has to be read in steps, see `openBody`.
  const isSmall = declared !== null && Number(declared) <= READ_BYTES;
  return isSmall ? wholeInTime(request) : readPieces(request, size);
}

async function readPieces(request: Request, { bytesMax, refusal }: Size): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of inTime(request)) {
    length += chunk.length;
    if (length > bytesMax) throw refusal();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : joined(chunks, length);
}

function wholeInTime(request: Request): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const deadline = deadlines.set(() => reject(new AppError("request_timeout", { retryAfter: 1 })));
    request.bytes().then(resolve, () => reject(new AppError("invalid_json"))).then(deadline.callOff);
  });
}

/** The body's chunks, until the deadline. A client that hangs up in the middle has sent invalid JSON. */
async function* inTime(request: Request): AsyncGenerator<Uint8Array> {
  if (!request.body) return;
  const reader = openBody(request.body);
  let isLate = false;
  const giveUp = () => void reader.cancel();
  const deadline = deadlines.set(() => {
    isLate = true;
    giveUp();
  });
  let done = false;
  try {
    while (!done) {
      const bytes = await reader.read().catch(() => {
        throw new AppError("invalid_json");
      });
      done = bytes === null;
      if (bytes) yield bytes;
    }
  } finally {
    deadline.callOff();
    if (!done) giveUp();
  }
  if (isLate) throw new AppError("request_timeout", { retryAfter: 1 });
}

function joined(chunks: Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw new AppError("invalid_json");
  }
}

function tooLarge(): AppError {
  return new AppError("too_large", { maxBytes: JSON_BYTES_MAX });
}
