// Time limits of many things at once that all have the same time: one timer for the oldest of them, where a timer for
// each would cost more than what it guards.

export interface Deadlines {
  /** Calls `onLate` unless it is called off within the time. */
  set(onLate: () => void): { callOff(): void };
}

export function createDeadlines(ms: number): Deadlines {
  // In the order in which they end.
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
