// Clocks: each process has its own, and the database another.

/** Those of processes on one database may differ by so much, also in 0012_clocks.sql. What lies further ahead was written by a wrong one. */
export const CLOCKS_APART_MS = 60_000;
