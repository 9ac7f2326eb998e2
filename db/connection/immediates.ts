// Keeps setImmediate working when one of its callbacks throws.

let isGuarded = false;

/**
 * Whether postgres.js 3.4 flushed a connection that was closed meanwhile. The queries of that connection do not
 * depend on the flush: they fail because the connection is lost.
 */
function isLateFlush(error: unknown): boolean {
  return error instanceof TypeError && /\bat nextWrite\b/.test(error.stack ?? "");
}

/**
 * From now on an error thrown by a setImmediate callback is reported like any other uncaught error, and has
 * no further effect. Without this, Deno 2.9.6 never runs another setImmediate callback if the next one in the
 * queue is cleared at that moment; postgres.js both throws and clears there when connections are lost.
 */
export function guardImmediates(): void {
  if (isGuarded) return;
  isGuarded = true;
  const { setImmediate } = globalThis;
  const guarded = <Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args) =>
    setImmediate(() => {
      try {
        callback(...args);
      } catch (error) {
        if (!isLateFlush(error)) reportError(error);
      }
    });
  globalThis.setImmediate = Object.defineProperties(
    guarded,
    Object.getOwnPropertyDescriptors(setImmediate),
  ) as typeof setImmediate;
}
