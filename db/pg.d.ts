// What of node-postgres is used here; the package has no types of its own.

import type { Socket } from "node:net";

export interface ClientConfig {
  host: string;
  port: number;
  database: string;
  user: string;
  password: () => string;
  /** What node:tls is told; false for none. */
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
  /** Says what the first message of the connection has; may be replaced. */
  getStartupConf: () => Record<string, string>;
  connect(): Promise<unknown>;
  /** Without a name it is not prepared. */
  query(statement: { name?: string; text: string; values?: unknown[] }): Promise<{ rowCount: number | null }>;
  end(): Promise<void>;
}
