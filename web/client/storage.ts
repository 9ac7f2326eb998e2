// Few words by name, kept at once: in the browser's storage, and in this window's memory where that is forbidden or full.

function createWords(storage: () => Storage) {
  const memory = new Map<string, string>();

  function get(key: string): string | null {
    const here = memory.get(key);
    if (here !== undefined) return here;
    try {
      return storage().getItem(key);
    } catch {
      return null;
    }
  }

  /** @returns whether it is there for longer than this window */
  function put(key: string, text: string | null): boolean {
    memory.delete(key);
    try {
      if (text === null) storage().removeItem(key);
      else storage().setItem(key, text);
      return true;
    } catch {
      if (text !== null) memory.set(key, text);
      return false;
    }
  }

  /** Every key that begins so. */
  function keys(start: string): string[] {
    const all = [...memory.keys()];
    try {
      all.push(...Object.keys(storage()));
    } catch { /* forbidden */ }
    return [...new Set(all)].filter((key) => key.startsWith(start));
  }

  return {
    get,
    put,
    keys,
    /** Null where there is nothing, or nothing that can be read. */
    read<T>(key: string): T | null {
      try {
        return JSON.parse(get(key) ?? "null");
      } catch {
        return null;
      }
    },
    write: (key: string, value: unknown) => put(key, value === null ? null : JSON.stringify(value)),
  };
}

/** For every window of this browser. */
export const local = createWords(() => localStorage);
/** For this window alone. */
export const own = createWords(() => sessionStorage);
