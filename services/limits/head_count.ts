/** Counts how many of something exist at the same time for each key, up to a maximum. */
export interface HeadCount {
  /**
   * Counts one more. Call the result to count it out again; further calls do nothing. Null if the maximum is
   * reached.
   */
  enter(key: string): (() => void) | null;
  /** Whether the maximum is reached. */
  isFull(key: string): boolean;
}

export function createHeadCount(max: number): HeadCount {
  const counts = new Map<string, number>();
  const countOf = (key: string) => counts.get(key) ?? 0;
  const isFull = (key: string) => countOf(key) >= max;
  return {
    isFull,
    enter(key) {
      if (isFull(key)) return null;
      counts.set(key, countOf(key) + 1);
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        const left = counts.get(key)! - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      };
    },
  };
}
