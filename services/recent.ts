/** What was looked up lately, by key. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
  size(): number;
}

/**
 * Remembers what was used within the last turn, and forgets what was not used for two; of more than `max` in a turn the
 * older go sooner. A whole generation goes at once: an entry costs its place in a map, and nobody who went away leaves
 * one behind.
 */
export function createRecent<Value>({ turnMs, max }: { turnMs: number; max: number }): Recent<Value> {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  let timer: ReturnType<typeof setTimeout> | null = null;

  function turn(): void {
    [old, young] = [young, new Map()];
  }

  function turnLater(): void {
    timer = setTimeout(() => {
      turn();
      timer = null;
      if (old.size > 0) turnLater();
    }, turnMs);
    Deno.unrefTimer(timer);
  }

  function set(key: string, value: Value): void {
    if (young.size >= max) turn();
    young.set(key, value);
    if (timer === null) turnLater();
  }

  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const older = old.get(key);
      if (older === undefined) return undefined;
      old.delete(key);
      set(key, older);
      return older;
    },
    set,
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young.clear();
      old.clear();
    },
    size: () => young.size + old.size,
  };
}
