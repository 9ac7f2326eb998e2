/** A cache of recently used entries, by key. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
  size(): number;
}

/**
 * Keeps two generations of entries, young and old. Every `turnMs` the old generation is dropped and the young
 * one becomes old; an entry that is read or set moves to the young one. So an entry lives at least `turnMs`
 * and at most twice that after its last use, or less if more than `max` entries are used within `turnMs`. An
 * entry needs no timer of its own.
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
