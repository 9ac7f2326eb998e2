import { AppError } from "../services/errors.ts";

/**
 * A body as it comes; leaving the loop early stops the reading. A client that goes away in the middle has sent something
 * wrong, which nobody hears but the log.
 * @param silenceMsMax after which a body that brings nothing is given up
 * @throws AppError upload_stalled, invalid_input
 */
export async function* bodyChunks(request: Request, silenceMsMax: number): AsyncGenerator<Uint8Array> {
  const reader = request.body?.getReader();
  if (!reader) return;
  let done = false;
  try {
    while (true) {
      const read = await inTime(reader.read(), silenceMsMax);
      done = read.done;
      if (read.done) return;
      yield read.value;
    }
  } finally {
    if (!done) await reader.cancel().catch(() => {});
  }
}

async function inTime<T>(read: Promise<T>, silenceMsMax: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AppError("upload_stalled", { retryAfter: 1 })), silenceMsMax);
  });
  try {
    return await Promise.race([read, silence]);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_input", { issues: [{ path: "", message: "The body broke off" }] });
  } finally {
    clearTimeout(timer);
  }
}
