// A connection on which the database is asked whether it answers at all.

import type { Pool } from "./database.ts";

export interface Probe {
  options: Pool["options"];
  /** Opens it, where it is not open. */
  ask(): Promise<void>;
  end(seconds: number): Promise<void>;
}

/**
 * @param connect makes a pool of one
 * @param onLost it was open, and is not any more
 */
export function openProbe(connect: (onclose: () => void) => Pool, onLost: () => void): Probe {
  let isOpen = false;
  const pool = connect(() => {
    // One that could not be opened closes as well.
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
