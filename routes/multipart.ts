// One file out of a multipart body, as it comes: the body is never held, and read no faster than the file is taken.

import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { AppError } from "../services/errors.ts";
import { bodyChunks } from "./body_chunks.ts";
import { judgeEncoding } from "./content_encoding.ts";
import { type Flow, flowing } from "./upload_flow.ts";

const FORM_DATA = /^multipart\/form-data *(;|$)/i;
/** What a body may have around its file. */
const ENVELOPE_BYTES_MAX = 65_536;
const PART_HEADERS_MAX = 20;
const PART_HEADER_BYTES_MAX = 8_192;

interface BodyLimits {
  /** Of the file. */
  uploadBytesMax: number;
  silenceMsMax: number;
  flow: Flow;
}

/**
 * What can be refused before anything is read: a body of another type, and one that says itself that it is too large.
 * @throws AppError unsupported_media_type, too_large
 */
export function judgeMultipart(request: Request, uploadBytesMax: number): void {
  const { headers } = request;
  judgeEncoding(request);
  if (!FORM_DATA.test(headers.get("content-type") ?? "")) throw new AppError("unsupported_media_type");
  if (Number(headers.get("content-length") ?? 0) > uploadBytesMax + ENVELOPE_BYTES_MAX) {
    throw tooLarge(uploadBytesMax);
  }
}

/**
 * The bytes of the part `file`, which has to be the only part. What is wrong with the body may show only at its end, so
 * nothing of it may be kept before that is reached.
 * @throws AppError invalid_input, too_large, upload_stalled
 */
export function filePart(request: Request, limits: BodyLimits): AsyncGenerator<Uint8Array> {
  const busboy = openBusboy(request.headers.get("content-type") ?? "");
  return readFile(limited(request, limits), busboy);
}

/** Counts everything, so that nothing endless can stand before the file or after it. */
async function* limited(
  request: Request,
  { uploadBytesMax, silenceMsMax, flow }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of flowing(bodyChunks(request, silenceMsMax), flow)) {
    bytes += chunk.length;
    if (bytes > uploadBytesMax + ENVELOPE_BYTES_MAX) throw tooLarge(uploadBytesMax);
    yield chunk;
  }
}

async function* readFile(
  body: AsyncIterable<Uint8Array>,
  busboy: InstanceType<typeof Busboy>,
): AsyncGenerator<Uint8Array> {
  const first = Promise.withResolvers<BusboyFileStream>();
  const failed = Promise.withResolvers<never>();
  const parsed = Promise.withResolvers<void>();
  failed.promise.catch(() => {});
  let file: BusboyFileStream | null = null;
  const fail = (error: Error) => {
    failed.reject(error);
    file?.destroy(error);
  };
  busboy.on("file", (name, part) => {
    part.on("error", () => fail(notWhole()));
    if (name !== "file") return fail(badPart("Is not known here; the only part is file", name));
    file = part;
    first.resolve(part);
  });
  busboy.on("partsLimit", () => fail(badPart("Has to be the only part")));
  busboy.on("error", () => fail(notWhole()));
  busboy.on("finish", () => {
    if (!file) fail(badPart("Is missing"));
    parsed.resolve();
  });

  const feeding = feed(body, busboy);
  feeding.ended.catch(fail);
  try {
    for await (const chunk of await Promise.race([first.promise, failed.promise])) yield chunk as Uint8Array;
    await Promise.race([parsed.promise, failed.promise]);
  } catch (error) {
    throw error instanceof AppError ? error : notWhole();
  } finally {
    feeding.stop();
  }
}

function openBusboy(contentType: string) {
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      isPartAFile: () => true,
      limits: { parts: 1, headerPairs: PART_HEADERS_MAX, headerSize: PART_HEADER_BYTES_MAX },
    });
  } catch {
    throw badPart("The Content-Type has no boundary");
  }
}

/** Writes the body into the parser until it ends or is stopped. The parser takes the next chunk when the file was read. */
function feed(body: AsyncIterable<Uint8Array>, busboy: InstanceType<typeof Busboy>) {
  let on = true;
  let goOn = () => {};

  async function write(): Promise<void> {
    for await (const chunk of body) {
      if (!on) return;
      // No race with a promise that lives as long as the body: it would remember every chunk's.
      await new Promise<void>((resolve, reject) => {
        goOn = resolve;
        busboy.write(chunk, (error) => error ? reject(error) : resolve());
      });
      if (!on) return;
    }
    busboy.end();
  }

  function stop(): void {
    on = false;
    goOn();
  }

  return { ended: write(), stop };
}

function notWhole(): AppError {
  return badPart("The body is not whole multipart/form-data");
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("too_large", { maxBytes });
}

function badPart(message: string, path = "file"): AppError {
  return new AppError("invalid_input", { issues: [{ path, message }] });
}
