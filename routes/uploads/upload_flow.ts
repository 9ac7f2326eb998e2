import { AppError } from "../../services/errors.ts";

/** What has to arrive, at least, in each period that is spent waiting for it. */
export interface Flow {
  bytesMin: number;
  periodMs: number;
}

/**
 * The chunks as they come, for as long as they come fast enough: what is only not silent would hold its place for ever.
 * Time that the taker of the chunks needs is not counted.
 * @throws AppError upload_stalled
 */
export async function* flowing(
  chunks: AsyncIterable<Uint8Array>,
  { bytesMin, periodMs }: Flow,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let waitedMs = 0;
  let askedAt = performance.now();
  for await (const chunk of chunks) {
    bytes += chunk.length;
    waitedMs += performance.now() - askedAt;
    if (waitedMs >= periodMs) {
      if (bytes < bytesMin) throw new AppError("upload_stalled", { retryAfter: 1 });
      bytes = waitedMs = 0;
    }
    yield chunk;
    askedAt = performance.now();
  }
}
