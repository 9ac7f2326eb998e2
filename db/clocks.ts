// Clocks: each process has its own, and the database another.

/** How far the clocks of processes on one database may differ, also in 0012_clocks.sql. A time further ahead was written by a wrong clock. */
export const CLOCKS_APART_MS = 60_000;
