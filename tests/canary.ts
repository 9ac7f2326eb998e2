// Canaries: secrets that can be recognised wherever they turn up. They are noted by kind while they pass
// through the service, and its log and database are searched for them afterwards.

import { Buffer } from "node:buffer";
import type { Pool } from "../db/connection/database.ts";

export type Kind =
  | "number"
  | "passcode"
  | "token"
  | "link"
  | "text"
  | "label"
  | "filename"
  | "device"
  | "client_id"
  | "media"
  | "query"
  | "secret";

export interface Canary {
  kind: Kind;
  value: string;
  /** Other spellings of it. */
  forms: string[];
}

export interface Canaries {
  /** Notes a secret and returns it. */
  note(kind: Kind, value: string): string;
  /** Makes a unique text. */
  make(kind: Kind): string;
  all(): Canary[];
  /** Notes everything in an answer that grants access. */
  noteAnswer(body: unknown): void;
}

export function createCanaries(): Canaries {
  const noted = new Map<string, Canary>();
  let made = 0;

  function note(kind: Kind, value: string): string {
    if (!noted.has(value)) noted.set(value, { kind, value, forms: formsOf(kind, value) });
    return value;
  }

  function noteAnswer(body: unknown): void {
    if (typeof body !== "object" || body === null) return;
    for (const [name, value] of Object.entries(body)) {
      if (typeof value === "object") noteAnswer(value);
      else if (typeof value !== "string") continue;
      else if (/token|ticket|secret|signature/.test(name)) note("token", value);
      else if (/url|uri/.test(name)) note("link", value.replace(/^https?:\/\/[^/]*\//, ""));
    }
  }

  return {
    note,
    make: (kind) => note(kind, `canary-${kind}-${made += 1}-${crypto.randomUUID().slice(0, 8)}`),
    all: () => [...noted.values()],
    noteAnswer,
  };
}

function formsOf(kind: Kind, value: string): string[] {
  const same = kind === "number"
    ? [value.slice(1)]
    : [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
  return [...new Set([...same, base64(value)])];
}

/** The secrets that a text contains, in clear or in another spelling. */
export function findIn(text: string, canaries: Canary[]): Canary[] {
  const spellings = [text, text.replaceAll(/[ .()-]/g, "")];
  return canaries.filter(({ kind, value, forms }) => {
    // Six digits occur in many longer numbers, which means nothing.
    if (kind === "passcode") return new RegExp(`(?<![\\w.])${value}(?!\\w)`).test(text);
    return forms.some((form) => spellings.some((text) => text.includes(form)));
  });
}

/** Without the last character, which depends on what follows it. */
function base64(value: string): string {
  return Buffer.from(value).toString("base64").replaceAll("=", "").slice(0, -1);
}

export interface Place {
  /** `table.column`. */
  where: string;
  canary: Canary;
}

/** Searches every column of every table and every large object; none has to be named. */
export async function findInTables(sql: Pool, canaries: Canary[]): Promise<Place[]> {
  const tables = await sql<{ table_schema: string; table_name: string }[]>`
    select table_schema, table_name
    from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`;
  const places: Place[] = [];
  for (const { table_schema, table_name } of tables) {
    const rows = await sql<{ row: Record<string, unknown> }[]>`
      select to_jsonb(stored) as row from ${sql(table_schema)}.${sql(table_name)} as stored`;
    for (const column of Object.keys(rows[0]?.row ?? {})) {
      const all = rows.map(({ row }) => readable(row[column])).join("\n");
      places.push(...findIn(all, canaries).map((canary) => ({ where: `${table_name}.${column}`, canary })));
    }
  }
  const objects = await sql<
    { bytes: Uint8Array }[]
  >`select lo_get(oid) as bytes from pg_largeobject_metadata`;
  for (const { bytes } of objects) {
    const text = Buffer.from(bytes).toString("latin1");
    places.push(...findIn(text, canaries).map((canary) => ({ where: "large objects", canary })));
  }
  return places;
}

/** Searches what PostgreSQL shows of connections: their statements and names. */
export async function findInActivity(sql: Pool, canaries: Canary[]): Promise<Place[]> {
  const rows = await sql<{ row: Record<string, unknown> }[]>`
    select to_jsonb(activity) as row from pg_stat_activity as activity where datname = current_database()`;
  return findIn(JSON.stringify(rows), canaries).map((canary) => ({ where: "pg_stat_activity", canary }));
}

/** Bytes are shown as `\x` and hexadecimal digits; both that and what they mean is searched. */
function readable(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.replaceAll(
    /\\\\?x((?:[0-9a-f]{2})+)/g,
    (hex, digits) => `${hex} ${Buffer.from(digits, "hex").toString("latin1")}`,
  );
}
