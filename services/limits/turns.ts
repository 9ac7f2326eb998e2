/** Lets so many of a key's at a time; the others wait for their turn. */
export interface Turns {
  /** The result ends the turn, and may be called twice. */
  take(key: string): Promise<() => void>;
}

export function createTurns(max: number): Turns {
  const keys = new Map<string, { running: number; waiting: (() => void)[] }>();
  return {
    async take(key) {
      const own = keys.get(key) ?? { running: 0, waiting: [] };
      keys.set(key, own);
      // Who ends hands his place on, so that nobody overtakes those who wait.
      if (own.running < max) own.running += 1;
      else await new Promise<void>((resolve) => own.waiting.push(resolve));
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        const next = own.waiting.shift();
        if (next) return next();
        own.running -= 1;
        if (own.running === 0) keys.delete(key);
      };
    },
  };
}
