// What was begun to be written to each person and not sent: kept at every key, so that neither another screen nor a
// closed window loses it, for as long as its writer is signed in.

import { local } from "./storage.ts";

export function createScraps(name: string) {
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
