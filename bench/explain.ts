// The cost of the service's statements inside PostgreSQL, by EXPLAIN.

import type { Sql } from "../db/connection/database.ts";
import { median } from "./figures.ts";

/** The cost for one row. */
export interface Cost {
  /** Pages accessed, in memory or not. */
  buffers: number;
  ms: number;
}

const TIMES = 41;
/** The beginning of a whole statement; other SQL is a fragment. */
const STATEMENT = /^\s*(select|insert|update|delete|with)\b/i;

interface Explained {
  "QUERY PLAN": [{ Plan: Record<string, number>; "Execution Time": number }];
}

/** Runs a function of db/ repeatedly on a connection that explains every statement and returns no rows. */
export async function explained(
  sql: Sql,
  rows: number,
  statement: (sql: Sql) => Promise<unknown>,
): Promise<Cost> {
  const buffers: number[] = [];
  const ms: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    const plans: Explained[] = [];
    await statement(explaining(sql, plans));
    const [plan] = plans.at(-1)!["QUERY PLAN"];
    buffers.push(plan.Plan["Shared Hit Blocks"]! + plan.Plan["Shared Read Blocks"]!);
    ms.push(plan["Execution Time"]);
  }
  return { buffers: median(buffers) / rows, ms: median(ms) / rows };
}

/** The cost of a script in floors/, which takes a pair by its id. */
export async function explainedFloor(
  sql: Sql,
  rows: number,
  { script, pair }: { script: string; pair: number },
): Promise<Cost> {
  const text = await Deno.readTextFile(new URL(`floors/${script}.sql`, import.meta.url));
  const [statement, ...more] = text.replace(/^(--|\\).*$/gm, "").trim().split(/:pair\b/);
  const texts = [statement!, ...more];
  const ids = more.map(() => pair);
  return await explained(sql, rows, (sql) => sql(Object.assign(texts, { raw: texts }), ...ids));
}

function explaining(sql: Sql, plans: Explained[]): Sql {
  const wrapped = (strings: TemplateStringsArray, ...values: never[]) => {
    const [first = "", ...rest] = strings;
    if (!STATEMENT.test(first)) return sql(strings, ...values);
    const texts = [`explain (analyze, buffers, timing off, format json) ${first}`, ...rest];
    return sql(Object.assign(texts, { raw: texts }), ...values).then((rows) => {
      plans.push(...rows as unknown as Explained[]);
      return [];
    });
  };
  return wrapped as unknown as Sql;
}
