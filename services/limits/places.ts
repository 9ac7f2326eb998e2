import { AppError } from "../errors.ts";
import { createHeadCount } from "./head_count.ts";

/** How much one person may have under way at a time, on this process. */
export function createPlaces({ max, retrySeconds }: { max: number; retrySeconds: number }) {
  const people = createHeadCount(max);

  /** Takes one of a person's places; the result gives it back. @throws AppError rate_limited */
  function take(person: string): () => void {
    const leave = people.enter(person);
    if (leave === null) throw new AppError("rate_limited", { retryAfter: retrySeconds });
    return leave;
  }

  /** @throws AppError rate_limited where a person has no place left */
  function judge(person: string): void {
    if (people.isFull(person)) throw new AppError("rate_limited", { retryAfter: retrySeconds });
  }

  return { take, judge };
}
