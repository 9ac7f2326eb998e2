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

/** Type id of bigint[] in PostgreSQL; known once postgres.js has fetched the array types. */
const BIGINT_ARRAY = 1016;

/**
 * Opens the connection and lets postgres.js fetch the array types, which it does before the first statement.
 * If the connection breaks off during that, postgres.js silently reconnects and does not always fetch them
 * again.
 * @throws OpeningRefused, ConnectionLost
 */
async function learnArrays(pool: Pool): Promise<void> {
  await pool`select 1`.catch((error) => Promise.reject(toOpeningError(error)));
  if (pool.options.serializers[BIGINT_ARRAY] === undefined) {
    throw new ConnectionLost("Array types of the connection are unknown");
  }
}
