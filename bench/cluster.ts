// The PostgreSQL of service and floors: the service's embedded one, in a temporary folder, with every setting
// on that makes commits survive a crash.

import { join } from "node:path";
import { connect, type DatabaseAddress, type Pool } from "../db/connection/database.ts";
import { startEmbedded } from "../db/embedded/launcher.ts";
import { migrate } from "../db/migrate/migrate.ts";
import { killServices } from "./service.ts";

/** Enough memory and WAL that checkpoints do not fall into some runs only. */
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
  /** The database as a DATABASE_URL. */
  url: string;
  /** The folder of the Unix socket, for PostgreSQL's own programs. */
  host: string;
  sql: Pool;
  drop(): Promise<void>;
}

export interface Cluster {
  version: string;
  /** The postmaster, whose child processes do the work. */
  pid: number;
  /** Creates a database with the service's tables. */
  createDatabase(): Promise<BenchDatabase>;
  stop(): Promise<void>;
}

/**
 * A connection without the service's time limits: filling a large database takes longer than any of its
 * queries.
 */
async function connectPatiently(at: DatabaseAddress): Promise<Pool> {
  const sql = connect(at, { max: 1 });
  await sql`set statement_timeout = 0`;
  return sql;
}

/** Starts the cluster. A signal that ends the bench stops it too; otherwise it would stay. */
export async function startCluster(): Promise<Cluster> {
  const folder = await Deno.makeTempDir({ prefix: "puffintalk-bench-" });
  // When run as root, PostgreSQL runs as another user, who needs access.
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
