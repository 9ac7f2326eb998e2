import type { SharedName } from "./table.ts";

/** One use of a limit: which limit, and for whom or what it counts. */
export interface Ask {
  limit: SharedName;
  of: string;
}

export function keyOf({ limit, of }: Ask): string {
  return `${limit} ${of}`;
}
