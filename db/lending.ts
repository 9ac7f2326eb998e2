// Connections that are lent one by one. The one used last is lent first: a server process that has just run a statement
// runs the next with less CPU than one whose memory others have pushed out of the processor's caches. postgres.js itself
// goes round all of them.

import { DatabaseUnavailable } from "./door.ts";
import { isLoss } from "./outages.ts";

/** What can be lent. */
interface Connection {
  /** Resolves when what runs has ended; after so many seconds that is ended too. */
  end(options: { timeout: number }): Promise<void>;
}

export interface LendOptions {
  /** The one used longest ago, instead of the one used last. */
  inTurn: boolean;
}

export interface Lending<C extends Connection> {
  /**
   * Lends one to this work, which has it for itself; while all are lent, who came first goes first. One that was lost is
   * ended, and another made in its place.
   * @throws DatabaseUnavailable to who still waits when all are ended
   */
  lend<T>(work: (connection: C) => Promise<T>, options?: LendOptions): Promise<T>;
  end(seconds: number): Promise<void>;
}

/** @param connect makes one, when it is needed */
export function openLending<C extends Connection>(connect: () => C, { max }: { max: number }): Lending<C> {
  const open = new Set<C>();
  const idle: C[] = [];
  let waiting: PromiseWithResolvers<C>[] = [];

  function make(): C {
    const made = connect();
    open.add(made);
    return made;
  }

  function take(inTurn: boolean): C | Promise<C> {
    const isFull = open.size === max;
    // Those that are not open yet were used longest ago of all.
    const found = !inTurn ? idle.pop() : isFull ? idle.shift() : undefined;
    if (found) return found;
    if (!isFull) return make();
    const place = Promise.withResolvers<C>();
    waiting.push(place);
    return place.promise;
  }

  function takeBack(connection: C): void {
    const first = waiting.shift();
    if (first) first.resolve(connection);
    else idle.push(connection);
  }

  function replace(lost: C): void {
    open.delete(lost);
    lost.end({ timeout: 0 }).catch(() => {});
    waiting.shift()?.resolve(make());
  }

  return {
    async lend(work, { inTurn } = { inTurn: false }) {
      const connection = await take(inTurn);
      try {
        const result = await work(connection);
        takeBack(connection);
        return result;
      } catch (error) {
        (isLoss(error) ? replace : takeBack)(connection);
        throw error;
      }
    },
    async end(seconds) {
      const late = waiting;
      waiting = [];
      late.forEach(({ reject }) => reject(new DatabaseUnavailable("Connections were ended")));
      await Promise.all([...open].map((connection) => connection.end({ timeout: seconds })));
    },
  };
}
