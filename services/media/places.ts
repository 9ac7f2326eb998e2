import { AppError } from "../errors.ts";

export type Places = ReturnType<typeof createPlaces>;

/** How much one person may have under way at a time, on this process. */
export function createPlaces({ max, retrySeconds }: { max: number; retrySeconds: number }) {
  const taken = new Map<string, number>();

  /** Takes one of a person's places; the result gives it back. @throws AppError rate_limited */
  function take(person: string): () => void {
    const count = taken.get(person) ?? 0;
    if (count >= max) throw new AppError("rate_limited", { retryAfter: retrySeconds });
    taken.set(person, count + 1);
    return () => {
      const left = taken.get(person)! - 1;
      if (left === 0) taken.delete(person);
      else taken.set(person, left);
    };
  }

  return { take };
}
