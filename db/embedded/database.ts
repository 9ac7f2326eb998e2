import postgres from "postgres";

export const DATABASE = "puffintalk";

/** Options of postgres.js: `host` is the folder of the Unix socket, `port` a part of the socket's name. */
export interface Address {
  host: string;
  port: number;
  user: string;
  database: string;
}

/** The version of the running server, whose database is created if missing; null if no server answers. */
export async function askVersion(address: Address): Promise<string | null> {
  try {
    return await showVersion(address);
  } catch (error) {
    if (codeOf(error) !== "3D000") return null; // invalid_catalog_name: the first start, or one killed just here
    await createDatabase(address);
    return await showVersion(address);
  }
}

async function showVersion(address: Address): Promise<string> {
  const sql = postgres({ ...address, max: 1, connect_timeout: 5 });
  try {
    const [row] = await sql<{ server_version: string }[]>`show server_version`;
    return row!.server_version;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

async function createDatabase(address: Address): Promise<void> {
  const sql = postgres({ ...address, database: "postgres", max: 1 });
  try {
    await sql`create database ${sql(DATABASE)}`;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}
