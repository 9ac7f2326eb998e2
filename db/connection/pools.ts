// A LIFO pool of postgres.js pools of one connection each. They are lent once array types are known.

import type { Pool } from "./database.ts";
import { type LifoPool, openLifoPool } from "./lifo_pool.ts";
import type { OutageWatch } from "./outage_watch.ts";
import { ConnectionLost, toOpeningError } from "./outages.ts";

/** @param connect opens a pool of one connection and calls back when that closes */
export function openPools(
  connect: (onclose: () => void) => Pool,
  { max, watch }: { max: number; watch: OutageWatch },
): LifoPool<Pool> {
  return openLifoPool({ connect, open: learnArrays }, { max, onCramped: watch.cramped });
}

/**
 * Fetches the array types, which postgres.js does before its first statement. If the connection broke off
 * during that, postgres.js silently reconnects and does not always fetch them again.
 * @throws ConnectionLost
 */
const BIGINT_ARRAY = 1016;

/**
 * One that broke off while postgres.js asked is made again without a word, and not always asked again.
 * @throws ConnectionLost
 */
async function learnArrays(pool: Pool): Promise<void> {
  await pool`select 1`.catch((error) => Promise.reject(toOpeningError(error)));
  if (pool.options.serializers[BIGINT_ARRAY] === undefined) {
    throw new ConnectionLost("Connection does not know how arrays are written");
  }
}
