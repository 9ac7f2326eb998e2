// The PostgreSQL that service and floors share: the service's own, in a folder that is removed at the end, with
// everything on that keeps a commit through a crash.

import { join } from "node:path";
import { connect, type DatabaseAddress, type Pool } from "../db/connection/database.ts";
import { startEmbedded } from "../db/embedded/launcher.ts";
import { migrate } from "../db/migrate/migrate.ts";
import { killServices } from "./service.ts";

/** Room for memory and log, so that checkpoints do not fall into one run and not into the other. */
const SETTINGS = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "512MB",
  max_wal_size: "8GB",
  checkpoint_timeout: "1h",
  max_connections: "300",
};

const MIGRATIONS = new URL("../migrations/", import.meta.url);
const TEMPLATE = "bench_template";

export interface BenchDatabase {
  name: string;
  /** As DATABASE_URL. */
  url: string;
  /** The folder of the socket, for programs of PostgreSQL. */
  host: string;
  sql: Pool;
  drop(): Promise<void>;
}

export interface Cluster {
  version: string;
  /** Of the server whose children do the work. */
  pid: number;
  /** A new database with the service's tables. */
  createDatabase(): Promise<BenchDatabase>;
  stop(): Promise<void>;
}

/** Filling a large database takes longer than anything that the service asks of one. */
async function connectPatiently(at: DatabaseAddress): Promise<Pool> {
  const sql = connect(at, { max: 1 });
  await sql`set statement_timeout = 0`;
  return sql;
}

/** A signal that ends the bench ends the server too, which would outlive it otherwise. */
export async function startCluster(): Promise<Cluster> {
  const folder = await Deno.makeTempDir({ prefix: "puffintalk-bench-" });
  // Whoever runs the server for root has to get in.
  await Deno.chmod(folder, 0o711);
  const server = await startEmbedded(folder, { settings: SETTINGS });
  const admin = await connectPatiently(server.address);
  await admin.unsafe(`create database ${TEMPLATE}`);
  await migrate({ ...server.address, database: TEMPLATE }, MIGRATIONS);
  let made = 0;

  async function createDatabase(): Promise<BenchDatabase> {
    const name = `bench_${made += 1}`;
    await admin.unsafe(`create database ${name} template ${TEMPLATE}`);
    const { host, user } = server.address;
    const sql = await connectPatiently({ ...server.address, database: name });
    return {
      name,
      url: `postgres://${user}@localhost/${name}?host=${encodeURIComponent(host)}`,
      host,
      sql,
      async drop() {
        await sql.end({ timeout: 1 });
        await admin.unsafe(`drop database ${name} with (force)`);
      },
    };
  }

  async function stop(): Promise<void> {
    await admin.end({ timeout: 1 });
    await server.stop();
    await Deno.remove(server.location, { recursive: true });
    await Deno.remove(folder, { recursive: true });
  }

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      killServices();
      stop().finally(() => Deno.exit(1));
    });
  }
  return {
    version: server.version,
    pid: parseInt(await Deno.readTextFile(join(server.location, "cluster/postmaster.pid"))),
    createDatabase,
    stop,
  };
}
