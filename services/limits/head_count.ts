/** How many of something are there at once, for each key. */
export interface HeadCount {
  /** Counts one more; the result counts it out again, and may be called twice. Null where there is no room. */
  enter(key: string): (() => void) | null;
}

export function createHeadCount(max: number): HeadCount {
  const counts = new Map<string, number>();
  return {
    enter(key) {
      const count = counts.get(key) ?? 0;
      if (count >= max) return null;
      counts.set(key, count + 1);
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
