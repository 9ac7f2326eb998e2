// Types for the parts of node-postgres that are used here; the package comes without types.

import type { Socket } from "node:net";

export interface ClientConfig {
  host: string;
  port: number;
  database: string;
  user: string;
  password: () => string;
  /** Options for node:tls; false for no TLS. */
  ssl: boolean | object;
  sslnegotiation?: string;
  connectionTimeoutMillis: number;
  keepAlive: boolean;
  keepAliveInitialDelayMillis: number;
  stream?: () => Socket;
}

export class Client {
  constructor(config: ClientConfig);
  on(event: "error" | "end", hear: () => void): void;
  /** Returns the parameters of the startup message; may be replaced. */
  getStartupConf: () => Record<string, string>;
  connect(): Promise<unknown>;
  /** A statement without a name is not prepared. */
  query(statement: { name?: string; text: string; values?: unknown[] }): Promise<{ rowCount: number | null }>;
  end(): Promise<void>;
}
