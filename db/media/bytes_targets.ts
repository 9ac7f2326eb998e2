// Where node-postgres is to connect and how: as postgres.js, which alone reads the address.

import { dirname } from "node:path";
import type { Pool } from "../connection/database.ts";
import type { ClientConfig } from "../pg.d.ts";

export interface Target {
  config: ClientConfig;
  /** What the first message of a connection says (PostgreSQL, 54.7, StartupMessage). */
  startup: Record<string, string>;
}

/** In the order in which they are tried. postgres.js keeps all that it does not know itself as settings. */
export function targetsOf(read: Pool["options"]): Target[] {
  const { user, database, connection, path } = read;
  const settings = Object.entries(connection).map(([name, value]) => [name, String(value)]);
  const startup = { user, database, ...Object.fromEntries(settings) };
  const shared = {
    user,
    database,
    password: () => String(read.pass),
    connectionTimeoutMillis: read.connect_timeout * 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: Number(read.keep_alive) * 1_000,
    ...("sslnegotiation" in read && read.sslnegotiation
      ? { sslnegotiation: String(read.sslnegotiation) }
      : {}),
  };
  return read.host.flatMap((host, index) => {
    const [at, tls] = path ? [dirname(path), [false]] : [host, tlsOf(read.ssl)];
    return tls.map((ssl) => ({ config: { ...shared, host: at, port: read.port[index]!, ssl }, startup }));
  });
}

/** What is told to node:tls, in the order in which it is tried. As with postgres.js, `require` and less verify nothing. */
function tlsOf(ssl: Pool["options"]["ssl"]): (boolean | object)[] {
  if (!ssl) return [false];
  const unverified = { rejectUnauthorized: false };
  if (ssl === "prefer") return [unverified, false];
  if (ssl === "require" || ssl === "allow") return [unverified];
  return [typeof ssl === "object" ? ssl : true];
}
