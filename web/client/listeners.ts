/** Those who want to be told of one kind of thing. */
export interface Listeners<T> {
  /** The result takes the listener out again. */
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
