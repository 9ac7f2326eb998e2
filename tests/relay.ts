// A TCP port in front of the tests' database, which listens on a Unix socket: for services without permission
// to open files.

import type { TestDatabase } from "./database.ts";
import { startProxy } from "./tcp_proxy.ts";

export interface Relay {
  /** A DATABASE_URL through this port. */
  url: string;
  /** Closes all connections and refuses new ones, until `mend`. */
  cut(): void;
  mend(): void;
  close(): void;
}

export function startRelay({ address }: TestDatabase): Relay {
  const { port, refuse, resume, close } = startProxy(`${address.host}/.s.PGSQL.${address.port}`);
  return {
    url: `postgres://${address.user}@127.0.0.1:${port}/${address.database}`,
    cut: refuse,
    mend: resume,
    close,
  };
}
