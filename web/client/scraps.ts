// What was begun to be written to each person and not sent: kept at every key, so that neither another screen nor a
// closed window loses it, for as long as its writer is signed in.

export type Scraps = ReturnType<typeof createScraps>;

export function createScraps(name: string) {
  const key = `${name}.scraps`;

  function read(): Record<string, string> {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "{}");
    } catch {
      return {};
    }
  }

  return {
    get: (phone: string): string => read()[phone] ?? "",
    put(phone: string, text: string): void {
      const { [phone]: _, ...rest } = read();
      const kept = text === "" ? rest : { ...rest, [phone]: text };
      try {
        if (Object.keys(kept).length === 0) localStorage.removeItem(key);
        else localStorage.setItem(key, JSON.stringify(kept));
      } catch {
        // Without room it is there until its screen is left, as the person sees it.
      }
    },
    clear: () => localStorage.removeItem(key),
  };
}
