// Every process has a clock of its own, and so has the database.

/**
 * How far the clocks of processes that share a database may differ; also in 0012_clocks.sql. A time that is
 * further ahead was written by a wrong clock.
 */
export const CLOCKS_APART_MS = 60_000;
