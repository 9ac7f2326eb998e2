// Limits on large answers. Somebody who asks for many and does not read them could fill the memory, and would
// keep everybody waiting while they are made.

import type { Context } from "hono";
import { setImmediate } from "node:timers/promises";
import { createConcurrencyLimit } from "../services/limits/concurrency.ts";
import { createRecent } from "../services/recent.ts";
import { createSemaphore } from "../services/semaphore.ts";
import type { Actor } from "../services/sessions/sessions.ts";
import type { AppEnv } from "./env.ts";

/**
 * Answers up to this size, in bytes or UTF-16 units, are never counted. Pages and lists of most people are a
 * tenth of it.
 */
export const SMALL_MAX = 256 * 1024;
/**
 * How many answers may be made at a time for one user on this process, and how many large ones may be unread:
 * some 6 MB each.
 */
const AT_ONCE_MAX = 8;
/**
 * How many may be made at a time for a user who got a large one within `LATELY_MS`: each blocks the event
 * loop while it is made.
 */
const LARGE_AT_ONCE_MAX = 2;
const LATELY_MS = 10_000;
const LATELY_MAX = 10_000;
const RETRY_SECONDS = 5;
/**
 * The body is handed to the HTTP server in pieces of this size, because it buffers the whole of each piece,
 * however slowly the client reads.
 */
const PIECE_BYTES = 64 * 1024;

export interface LargeAnswers {
  /** Makes an answer that may be large, in turn with others of the same user. */
  inTurn<T>(me: Actor, make: () => Promise<T>): Promise<T>;
  /**
   * To be called before anything large is fetched, so that messages in a refused answer do not become
   * delivered. @throws AppError rate_limited
   */
  judge(me: Actor): void;
  /**
   * The text as the body of an answer. A large one counts until the client has read all of it or is gone.
   * Only a GET can be refused: the answer of a change is sent whatever its size.
   * @throws AppError rate_limited
   */
  bodyOf(c: Context<AppEnv>, me: Actor, text: string): string | ReadableStream<Uint8Array>;
}

export function createLargeAnswers(): LargeAnswers {
  const slots = createConcurrencyLimit({ max: AT_ONCE_MAX, retrySeconds: RETRY_SECONDS });
  const answers = createSemaphore(AT_ONCE_MAX);
  const largeAnswers = createSemaphore(LARGE_AT_ONCE_MAX);
  const lately = createRecent<true>({ turnMs: LATELY_MS, max: LATELY_MAX });

  /** Lets other work run after each large answer. */
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
