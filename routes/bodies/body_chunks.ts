import { AppError } from "../../services/errors.ts";
import { RETRY_SECONDS } from "../request_tracker.ts";
import { type BodyReader, openBody } from "./body_reader.ts";

/** How long to wait for a body. */
export interface Patience {
  /** How long the body may bring nothing before it is given up. */
  silenceMsMax: number;
  /** Aborts when the service stops; every body is given up then. */
  late: AbortSignal;
}

/**
 * The chunks of a body as they arrive; leaving the loop early stops the reading. If the client hangs up in
 * the middle this throws too, but only the log shows it.
 * @throws AppError upload_stalled, unavailable, invalid_input
 */
export async function* bodyChunks(
  request: Request,
  { silenceMsMax, late }: Patience,
): AsyncGenerator<Uint8Array> {
  if (!request.body) return;
  const reader = openBody(request.body);
  const giveUp = () => void reader.cancel();
  late.addEventListener("abort", giveUp);
  let done = false;
  try {
    while (true) {
      const bytes = late.aborted ? null : await readInTime(reader, silenceMsMax);
      // A cancelled body looks like one that has ended.
      if (late.aborted) throw new AppError("unavailable", { retryAfter: RETRY_SECONDS });
      done = bytes === null;
      if (!bytes) return;
      yield bytes;
    }
  } finally {
    late.removeEventListener("abort", giveUp);
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
