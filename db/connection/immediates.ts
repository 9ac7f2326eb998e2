// What is to run in the next turn of the event loop, kept going whatever one of it throws.

let isGuarded = false;

/**
 * From here on what a callback of setImmediate throws is reported like all other errors, and nothing else comes of it. Without
 * this, where the callback behind it is cleared meanwhile, Deno 2.9.6 never runs one again; and postgres.js both throws and
 * clears there when connections are lost.
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
