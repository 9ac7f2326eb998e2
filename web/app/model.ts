// The state that the pages show, as one value. Components subscribe to parts of it.

import { useEffect, useState } from "preact/hooks";
import type { Connection, Contact, Draft, Ending, Message, Session } from "../client.ts";

export interface Thread {
  /** Oldest first, without gaps up to `wholeTo`. */
  messages: Message[];
  /**
   * The id up to which the messages are complete. After it there are only own messages, known by the answers
   * to their sends; others may be missing between them.
   */
  wholeTo: number;
  hasMore: boolean;
  /** Whether it was fetched since the socket was opened, rather than loaded from storage. */
  isFresh: boolean;
}

export interface Toast {
  text: string;
  isError: boolean;
}

export interface Model {
  session: Session | null;
  connection: Connection;
  /** Null until they are loaded. */
  contacts: Contact[] | null;
  /** Whether the service has sent them to this window, so that they are not just stored ones. */
  areContactsFresh: boolean;
  threads: Record<string, Thread>;
  outbox: Draft[];
  /** Progress of uploads, from 0 to 1, by client_id. */
  progress: Record<string, number>;
  toast: Toast | null;
  /** How the last session ended; null if none has ended. */
  ending: Ending | null;
}

export const EMPTY: Model = {
  session: null,
  connection: "closed",
  contacts: null,
  areContactsFresh: false,
  threads: {},
  outbox: [],
  progress: {},
  toast: null,
  ending: null,
};

/**
 * Merges fetched rows into known ones: unchanged rows keep their identity, and so does an unchanged list, so
 * that components which show them are not redrawn.
 */
export function keepSame<Row extends object>(
  known: Row[],
  fetched: Row[],
  keyOf: (row: Row) => unknown,
): Row[] {
  const before = new Map(known.map((row) => [keyOf(row), row]));
  const rows = fetched.map((row) => {
    const same = before.get(keyOf(row));
    return same && isSame(same, row) ? same : row;
  });
  return rows.length === known.length && rows.every((row, at) => row === known[at]) ? known : rows;
}

/** Shallow equality. */
export function isSame<T extends object>(one: T, other: T): boolean {
  const keys = Object.keys(one) as (keyof T)[];
  return keys.length === Object.keys(other).length &&
    keys.every((key) => key in other && Object.is(one[key], other[key]));
}

export interface Store<T> {
  get(): T;
  set(change: Partial<T>): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T extends object>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(change) {
      value = { ...value, ...change };
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/**
 * Subscribes a component to a part of a store.
 * @param select must return the same value as long as nothing has changed, not a new object each time
 */
export function useStore<T extends object, Part>(store: Store<T>, select: (value: T) => Part): Part {
  const [part, setPart] = useState(() => select(store.get()));
  useEffect(() => {
    const look = () => setPart(() => select(store.get()));
    look();
    return store.subscribe(look);
  }, [store]);
  return part;
}
