// What the pages show, in one value; whoever shows a part of it is told when that part is another.

import { useEffect, useState } from "preact/hooks";
import type { Connection, Contact, Draft, Ending, Message, Session } from "../client.ts";

export interface Thread {
  /** Oldest first, without a gap as far as `wholeTo`. */
  messages: Message[];
  /** After this id there are only own ones, known by the answers to their sends: others may be between them. */
  wholeTo: number;
  hasMore: boolean;
  /** Fetched since the socket was opened, and not only remembered. */
  isFresh: boolean;
}

export interface Toast {
  text: string;
  isError: boolean;
}

export interface Model {
  session: Session | null;
  connection: Connection;
  /** Null until they are known. */
  contacts: Contact[] | null;
  /** Whether the service told them in this window, and they are not only remembered. */
  areContactsFresh: boolean;
  threads: Record<string, Thread>;
  outbox: Draft[];
  /** How much of an upload has arrived, from 0 to 1, by client_id. */
  progress: Record<string, number>;
  toast: Toast | null;
  /** How the last session ended; null before there was one. */
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

/** What is fetched again is mostly what was known: of that the known values stay, and nobody is drawn anew for them. */
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

/** Whether two objects have the same values, of which none is looked into. */
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

/** A part of a store. @param select must give the same for the same, not a new object */
export function useStore<T extends object, Part>(store: Store<T>, select: (value: T) => Part): Part {
  const [part, setPart] = useState(() => select(store.get()));
  useEffect(() => {
    const look = () => setPart(() => select(store.get()));
    look();
    return store.subscribe(look);
  }, [store]);
  return part;
}
