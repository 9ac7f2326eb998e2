// Streams one file out of a multipart body: the body is never held in memory, and is read no faster than the
// file is consumed.

import { AppError } from "../../services/errors.ts";
import { type Flow, flowing } from "../uploads/upload_flow.ts";
import { bodyChunks, type Patience } from "./body_chunks.ts";
import { judgeEncoding } from "./content_encoding.ts";
import { createPartParser, type PartParser } from "./part_parser.ts";

const FORM_DATA = /^multipart\/form-data *(;|$)/i;
/** How many bytes a body may have besides its file. */
const ENVELOPE_BYTES_MAX = 65_536;

interface BodyLimits extends Patience {
  /** The largest allowed file. */
  uploadBytesMax: number;
  flow: Flow;
}

/**
 * Refuses, before anything is read, a body of another type and one whose declared length is too large.
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
 * The bytes of the part `file`, which has to be the only one. An error of the body may show only at its end,
 * so nothing of the file may be kept before that.
 * @throws AppError invalid_input, also synchronously; too_large, upload_stalled, unavailable
 */
export function filePart(request: Request, limits: BodyLimits): AsyncGenerator<Uint8Array> {
  return partOf(
    limited(request, limits),
    createPartParser(request.headers.get("content-type") ?? "", "file"),
  );
}

async function* partOf(body: AsyncIterable<Uint8Array>, parser: PartParser): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) yield* parser.push(bytes);
  parser.end();
}

/** Counts every byte of the body, so that nothing endless can come before or after the file. */
async function* limited(
  request: Request,
  { uploadBytesMax, flow, ...patience }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of flowing(bodyChunks(request, patience), flow)) {
    bytes += chunk.length;
    if (bytes > uploadBytesMax + ENVELOPE_BYTES_MAX) throw tooLarge(uploadBytesMax);
    yield chunk;
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("too_large", { maxBytes });
}
