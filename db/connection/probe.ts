// A connection of its own for checking whether the database answers.

import type { Pool } from "./database.ts";
import type { Connections } from "./supervisor.ts";

export interface Probe {
  options: Pool["options"];
  /** Asks the database for an answer, opening the connection if necessary. */
  ask(): Promise<void>;
  end(seconds: number): Promise<void>;
}

/**
 * @param connect creates a pool of one connection
 * @param onLost called when an open connection was lost
 */
export function openProbe(connect: (onclose: () => void) => Pool, onLost: () => void): Probe {
  let isOpen = false;
  const pool = connect(() => {
    // A connection that could not be opened closes as well.
    if (isOpen) onLost();
    isOpen = false;
  });
  return {
    options: pool.options,
    async ask() {
      await pool`select 1`.execute();
      isOpen = true;
    },
    end: (seconds) => pool.end({ timeout: seconds }),
  };
}

/** A pool with the probe beside it, as a supervisor takes them: they end together. */
export function withProbe<Lend>(
  { lend, end }: { lend: Lend; end: (seconds: number) => Promise<void> },
  probe: Probe,
): Connections & { lend: Lend } {
  return {
    lend,
    ask: probe.ask,
    async end(seconds) {
      await Promise.all([end(seconds), probe.end(seconds)]);
    },
  };
}
