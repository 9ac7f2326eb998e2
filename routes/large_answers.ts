// Answers so large that somebody who asks for many and does not read them could fill the memory, and keep everybody waiting while
// they are made.

import { setImmediate } from "node:timers/promises";
import type { Context } from "hono";
import { createConcurrencyLimit } from "../services/limits/concurrency.ts";
import { createRecent } from "../services/recent.ts";
import type { Actor } from "../services/sessions/sessions.ts";
import { createSemaphore } from "../services/semaphore.ts";
import type { AppEnv } from "./env.ts";

/** An answer up to this size is not counted, read or not: bytes, or UTF-16 units. Pages and lists of most people are a tenth of it. */
export const SMALL_MAX = 256 * 1024;
/** How many answers of one person are made at a time on this process, and how many large ones may be unread: some six MB each. */
const AT_ONCE_MAX = 8;
/** The same of one person who was given a large one lately: each stops the event loop while it is made. */
const LARGE_AT_ONCE_MAX = 2;
const LATELY_MS = 10_000;
const LATELY_MAX = 10_000;
const RETRY_SECONDS = 5;
/** What the HTTP server is given at a time: what it is given at once it buffers whole, however slowly the client reads. */
const PIECE_BYTES = 64 * 1024;

export interface LargeAnswers {
  /** Makes an answer that may be large, in turn with the others that this person has asked for. */
  inTurn<T>(me: Actor, make: () => Promise<T>): Promise<T>;
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
  const slots = createConcurrencyLimit({ max: AT_ONCE_MAX, retrySeconds: RETRY_SECONDS });
  const answers = createSemaphore(AT_ONCE_MAX);
  const largeAnswers = createSemaphore(LARGE_AT_ONCE_MAX);
  const lately = createRecent<true>({ turnMs: LATELY_MS, max: LATELY_MAX });

  /** Others come between one and the next. */
  async function makeLarge<T>(make: () => Promise<T>): Promise<T> {
    const made = await make();
    await setImmediate();
    return made;
  }

  return {
    inTurn({ user_id }, make) {
      const key = String(user_id);
      return answers.run(() => lately.get(key) ? largeAnswers.run(() => makeLarge(make), key) : make(), key);
    },
    judge: ({ user_id }) => slots.judge(String(user_id)),
    bodyOf(c, { user_id }, text) {
      if (text.length <= SMALL_MAX) return text;
      lately.set(String(user_id), true);
      if (c.req.method !== "GET") return text;
      const leave = slots.take(String(user_id));
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
