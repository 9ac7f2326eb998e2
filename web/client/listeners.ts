/** Listeners to one kind of event. */
export interface Listeners<T> {
  /** Returns a function that removes the listener. */
  on(listener: (value: T) => void): () => void;
  tell(value: T): void;
}

export function createListeners<T>(): Listeners<T> {
  const all = new Set<(value: T) => void>();
  return {
    on(listener) {
      all.add(listener);
      return () => void all.delete(listener);
    },
    tell: (value) => [...all].forEach((listener) => listener(value)),
  };
}
