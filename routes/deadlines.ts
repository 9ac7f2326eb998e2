// Time limits of many things at once that all have the same time: one look a second at the oldest of them, where a
// timer for each would cost more than what it guards.

const LOOK_EVERY_MS = 1_000;

export interface Deadlines {
  /** Calls `onLate` unless it is called off within the time; up to a second later than that. */
  set(onLate: () => void): { callOff(): void };
}

export function createDeadlines(ms: number): Deadlines {
  // In the order in which they end.
  const open = new Set<{ endsAt: number; onLate: () => void }>();
  let timer: ReturnType<typeof setTimeout> | null = null;

  function look(): void {
    const at = performance.now();
    for (const deadline of open) {
      if (deadline.endsAt > at) break;
      open.delete(deadline);
      deadline.onLate();
    }
    timer = open.size > 0 ? setTimeout(look, LOOK_EVERY_MS) : null;
  }

  return {
    set(onLate) {
      const deadline = { endsAt: performance.now() + ms, onLate };
      open.add(deadline);
      timer ??= setTimeout(look, LOOK_EVERY_MS);
      return { callOff: () => void open.delete(deadline) };
    },
  };
}
