// Connections that are lent one by one. The one used last is lent first: a server process that has just run a statement
// runs the next with less CPU than one whose memory others have pushed out of the processor's caches. postgres.js itself
// goes round all of them.

/** What can be lent. */
interface Connection {
  /** Resolves when what runs has ended; after so many seconds that is ended too. */
  end(options: { timeout: number }): Promise<void>;
}

export interface Lending<C extends Connection> {
  /** Lends one to this work, which has it for itself; while all are lent, who came first goes first. */
  lend<T>(work: (connection: C) => Promise<T>): Promise<T>;
  end(seconds: number): Promise<void>;
}

export function openLending<C extends Connection>(connections: C[]): Lending<C> {
  const idle = [...connections];
  const waiting: ((connection: C) => void)[] = [];

  function takeBack(connection: C): void {
    const first = waiting.shift();
    if (first) first(connection);
    else idle.push(connection);
  }

  return {
    async lend(work) {
      const connection = idle.pop() ?? await new Promise<C>((resolve) => waiting.push(resolve));
      try {
        return await work(connection);
      } finally {
        takeBack(connection);
      }
    },
    async end(seconds) {
      await Promise.all(connections.map((connection) => connection.end({ timeout: seconds })));
    },
  };
}
