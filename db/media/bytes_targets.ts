// Where and how node-postgres connects: taken from postgres.js, which alone parses the address.

import { dirname } from "node:path";
import type { Pool } from "../connection/database.ts";
import type { ClientConfig } from "../pg.d.ts";

export interface Target {
  config: ClientConfig;
  /** Parameters of the startup message (PostgreSQL, 54.7, StartupMessage). */
  startup: Record<string, string>;
}

/**
 * In the order in which they are tried. Connection options that postgres.js does not know are passed as
 * settings.
 */
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

/**
 * Options for node:tls, in the order in which they are tried. As with postgres.js, `require` and weaker modes
 * verify nothing.
 */
function tlsOf(ssl: Pool["options"]["ssl"]): (boolean | object)[] {
  if (!ssl) return [false];
  const unverified = { rejectUnauthorized: false };
  if (ssl === "prefer") return [unverified, false];
  if (ssl === "require" || ssl === "allow") return [unverified];
  return [typeof ssl === "object" ? ssl : true];
}
