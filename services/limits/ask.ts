import type { SharedName } from "./table.ts";

/** What is to be counted: of which limit, and for whom. */
export interface Ask {
  limit: SharedName;
  of: string;
}

export function keyOf({ limit, of }: Ask): string {
  return `${limit} ${of}`;
}
