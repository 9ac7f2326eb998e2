/** A cache of what was looked up lately, by key. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
  size(): number;
}

/**
 * Keeps two generations of entries, the young and the old. After each turn of `turnMs` the old one is dropped whole and the young
 * one becomes old; what is read or set is young. So an entry stays for one turn after its last use and is gone after two, sooner
 * where more than `max` are used in a turn. An entry costs its place in a map, without a timer of its own.
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
