import { AppError } from "../services/errors.ts";
import { type BodyReader, openBody } from "./body_reader.ts";

/**
 * A body as it comes; leaving the loop early stops the reading. A client that goes away in the middle has sent something
 * wrong, which nobody hears but the log.
 * @param silenceMsMax after which a body that brings nothing is given up
 * @throws AppError upload_stalled, invalid_input
 */
export async function* bodyChunks(request: Request, silenceMsMax: number): AsyncGenerator<Uint8Array> {
  if (!request.body) return;
  const reader = openBody(request.body);
  let done = false;
  try {
    while (true) {
      const bytes = await readInTime(reader, silenceMsMax);
      done = bytes === null;
      if (!bytes) return;
      yield bytes;
    }
  } finally {
    if (!done) await reader.cancel();
  }
}

async function readInTime(reader: BodyReader, silenceMsMax: number): Promise<Uint8Array | null> {
  let isSilent = false;
  const timer = setTimeout(() => {
    isSilent = true;
    reader.cancel();
  }, silenceMsMax);
  try {
    const bytes = await reader.read();
    if (!isSilent) return bytes;
  } catch {
    if (!isSilent) {
      throw new AppError("invalid_input", { issues: [{ path: "", message: "The body broke off" }] });
    }
  } finally {
    clearTimeout(timer);
  }
  throw new AppError("upload_stalled", { retryAfter: 1 });
}
