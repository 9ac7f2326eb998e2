// Small values by key, stored synchronously: in the browser's storage, or in this window's memory if that is
// forbidden or full.

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

  /** @returns whether the value survives this window */
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

  /** All keys with this prefix. */
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
    /** The parsed value; null if it is missing or unreadable. */
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

/** Shared by all windows of this browser. */
export const local = createWords(() => localStorage);
/** Of this window only. */
export const own = createWords(() => sessionStorage);
