// Many deadlines of the same length behind one timer, which runs for the oldest. A timer for each would cost
// more than the work that it guards.

export interface Deadlines {
  /** Calls `onLate` after the time, unless it is called off before. */
  set(onLate: () => void): { callOff(): void };
}

export function createDeadlines(ms: number): Deadlines {
  // In the order in which they expire.
  const open = new Set<{ endsAt: number; onLate: () => void }>();
  let timer: ReturnType<typeof setTimeout> | null = null;

  function look(): void {
    timer = null;
    for (const deadline of open) {
      const leftMs = deadline.endsAt - performance.now();
      if (leftMs > 0) {
        timer = setTimeout(look, leftMs);
        return;
      }
      open.delete(deadline);
      deadline.onLate();
    }
  }

  return {
    set(onLate) {
      const deadline = { endsAt: performance.now() + ms, onLate };
      open.add(deadline);
      timer ??= setTimeout(look, ms);
      return { callOff: () => void open.delete(deadline) };
    },
  };
}
