import { AppError } from "../../services/errors.ts";

/** The slowest transfer that is accepted: `bytesMin` in each `periodMs` spent waiting for the client. */
export interface Flow {
  bytesMin: number;
  periodMs: number;
}

/**
 * Passes the chunks on as they arrive, while they arrive fast enough. A client that sends a byte now and then
 * is not silent, but would hold its place for ever. Time that the consumer of the chunks takes is not
 * counted.
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
