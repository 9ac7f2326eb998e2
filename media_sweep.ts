// `deno task media:sweep`: finds leftover media of any age and deletes them; with --dry-run only counts them. It may run
// beside services on the same DATABASE_URL, which every hour delete what became old in the last week.

import { type Database, type DatabaseAddress, openDatabase } from "./db/connection/database.ts";
import { awaitServer } from "./db/connection/server.ts";
import { type Config, parseConfig } from "./services/config.ts";
import { createMediaSweep } from "./services/media/sweep.ts";
import { exit, printLine, untilTold } from "./terminal.ts";

const CONNECTIONS_MAX = 2;
const PROGRESS_EVERY_MS = 2_000;

const MEANINGS = {
  abandoned: "uploads that were never finished",
  unsent: "media that were not sent within a day",
  orphans: "large objects without a row",
  hollow: "rows whose large object is lost; restore it from a backup",
};

async function run({ databaseUrl, dataDir }: Config, isDry: boolean): Promise<void> {
  const told = untilTold(["SIGINT", "SIGTERM"]);
  const embedded = databaseUrl ? null : await startEmbedded(dataDir);
  try {
    const address: DatabaseAddress = databaseUrl ?? embedded!.address;
    await awaitServer(address, told);
    const database = openDatabase(address, { max: CONNECTIONS_MAX });
    const stopped = told.then(() =>
      Promise.reject(new Error("Told to stop; what was deleted so far stays deleted"))
    );
    await Promise.race([sweep(database, isDry), stopped]).finally(() => database.close());
  } finally {
    await embedded?.stop();
  }
}

async function sweep(database: Database, isDry: boolean): Promise<void> {
  const media = createMediaSweep({ database, now: () => new Date() });
  const remains = isDry ? await media.report() : await media.repair(showProgress());
  for (const what of ["abandoned", "unsent", "orphans", "hollow"] as const) {
    const verb = isDry || what === "hollow" ? "found" : "deleted";
    printLine(`${what.padEnd(9)} ${remains[what]} ${verb}: ${MEANINGS[what]}`);
  }
}

function showProgress() {
  let shownAt = performance.now();
  return (what: keyof typeof MEANINGS, total: number) => {
    if (performance.now() - shownAt < PROGRESS_EVERY_MS) return;
    shownAt = performance.now();
    console.error(`${what.padEnd(9)} ${total} deleted so far`);
  };
}

async function startEmbedded(dataDir: string) {
  try {
    const launcher = await import("./db/embedded/launcher.ts");
    return await launcher.startEmbedded(dataDir);
  } catch (error) {
    throw new Error(
      `${
        error instanceof Error ? error.message : error
      }\nA running service sweeps its own database by itself, ` +
        "every hour. To check everything, stop it before this task, or set DATABASE_URL for both.",
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // undefined_table (PostgreSQL, Appendix A)
  const isNew = "code" in error && error.code === "42P01";
  return isNew ? "The database has no tables yet: start the service once" : error.message;
}

try {
  const unknown = Deno.args.find((arg) => arg !== "--dry-run");
  if (unknown !== undefined) {
    throw new Error(`Unknown argument "${unknown}": only --dry-run is supported`);
  }
  await run(parseConfig(Deno.env.toObject()), Deno.args.includes("--dry-run"));
  await exit(0);
} catch (error) {
  console.error(`PuffinTalk cannot sweep:\n${reasonOf(error)}`);
  await exit(1);
}
