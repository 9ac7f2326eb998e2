// Keeps setImmediate working when one of its callbacks throws.

let isGuarded = false;

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
        reportError(error);
      }
    });
  globalThis.setImmediate = Object.defineProperties(
    guarded,
    Object.getOwnPropertyDescriptors(setImmediate),
  ) as typeof setImmediate;
}
