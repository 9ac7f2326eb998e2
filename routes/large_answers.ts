// Answers so large that somebody who does not read them could fill the memory with them.

import type { Context } from "hono";
import { createPlaces } from "../services/limits/places.ts";
import type { Actor } from "../services/sessions.ts";
import type { AppEnv } from "./env.ts";

/** So much that nobody reads counts against nobody: bytes, or UTF-16 units. Pages and lists of most people are a tenth of it. */
export const SMALL_MAX = 256 * 1024;
/** Of one person, on this process: some four megabytes each at most. */
const AT_ONCE_MAX = 8;
const RETRY_SECONDS = 5;
/** What the HTTP server is given at a time. All that it is given at once it takes, and whoever is to read it is forgotten. */
const PIECE_BYTES = 64 * 1024;

export interface LargeAnswers {
  /** Before anything is fetched that may be large: what is refused is not delivered. @throws AppError rate_limited */
  judge(me: Actor): void;
  /**
   * A text as the body of an answer. A large one counts until its client has all of it, or is gone. What was changed is
   * answered whatever its size: only what is fetched can be refused.
   * @throws AppError rate_limited
   */
  bodyOf(c: Context<AppEnv>, me: Actor, text: string): string | ReadableStream<Uint8Array>;
}

export function createLargeAnswers(): LargeAnswers {
  const places = createPlaces({ max: AT_ONCE_MAX, retrySeconds: RETRY_SECONDS });
  return {
    judge: ({ user_id }) => places.judge(String(user_id)),
    bodyOf(c, { user_id }, text) {
      if (text.length <= SMALL_MAX || c.req.method !== "GET") return text;
      const leave = places.take(String(user_id));
      c.env.completed.then(leave, leave);
      return inPieces(new TextEncoder().encode(text));
    },
  };
}

function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.subarray(offset, offset += PIECE_BYTES));
      if (offset >= bytes.length) controller.close();
    },
  }, { highWaterMark: 0 });
}
