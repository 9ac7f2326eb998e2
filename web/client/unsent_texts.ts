// Half-written texts, one for each peer. Stored at every keystroke, so that neither another screen nor a
// closed window loses them; cleared when their writer signs out.

import { local } from "./storage.ts";

export function createUnsentTexts(name: string) {
  // The key of earlier versions, so that their texts are still found.
  const key = `${name}.scraps`;
  const read = () => local.read<Record<string, string>>(key) ?? {};

  return {
    get(phone: string): string {
      const text: unknown = read()[phone];
      return typeof text === "string" ? text : "";
    },
    put(phone: string, text: string): void {
      const { [phone]: _, ...rest } = read();
      const kept = text === "" ? rest : { ...rest, [phone]: text };
      local.write(key, Object.keys(kept).length === 0 ? null : kept);
    },
    clear: () => void local.put(key, null),
  };
}
