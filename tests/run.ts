/**
 * Runs the tests on a PostgreSQL of their own, started by the service's launcher in a directory that is removed at
 * the end. Takes the file names and flags of `deno test`; the last line is "N passed, N failed".
 */
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbedded } from "../db/embedded/launcher.ts";

/** What survives a crash of the machine does not matter here, and every test file brings its own connections. */
const SETTINGS = { fsync: "off", full_page_writes: "off", max_connections: "300" };

/** A test that hangs must not hang the gate as well. Long runs, which are asked for by name, take their time. */
const MINUTES_MAX = Deno.env.has("LONG") || Deno.env.has("FUZZ") ? 180 : 40;

const folder = await Deno.makeTempDir({ prefix: "puffintalk-tests-" });
// Whoever runs the server for root has to get in.
await Deno.chmod(folder, 0o711);

const child = Promise.withResolvers<Deno.ChildProcess>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => child.promise.then((tests) => tests.kill("SIGTERM")).catch(() => {}));
}

let server: EmbeddedPostgres | null = null;
let code = 1;
try {
  server = await startEmbedded(folder, { settings: SETTINGS });
  const report = join(folder, "report.xml");
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "--frozen", "-A", "--parallel", `--junit-path=${report}`, ...withPaths(Deno.args)],
    env: {
      TEST_DATABASE_HOST: server.address.host,
      // One more than there are cores: many tests wait for a process, a socket or a browser.
      DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(navigator.hardwareConcurrency + 1),
    },
  }).spawn();
  child.resolve(tests);
  const late = setTimeout(() => {
    console.error(
      `The tests did not end within ${MINUTES_MAX} minutes: the last one said to be running hangs`,
    );
    tests.kill("SIGKILL");
  }, MINUTES_MAX * 60_000);
  code = (await tests.status).code;
  clearTimeout(late);
  console.log(summary(await Deno.readTextFile(report).catch(() => "")));
} finally {
  await server?.stop();
  // Not below the folder when that lies where the server's user cannot go.
  if (server) await Deno.remove(server.location, { recursive: true });
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(code);

/** All tests, unless an argument names some: the value of a flag is not a path that exists. */
function withPaths(args: string[]): string[] {
  const named = args.some((arg) => {
    try {
      return Boolean(Deno.lstatSync(arg));
    } catch {
      return arg.endsWith(".ts");
    }
  });
  return named ? args : [...args, "tests/"];
}

/** Counts from the JUnit report. What fails outside a test, e.g. a file that does not compile, counts as one. */
function summary(report: string): string {
  const count = (what: RegExp) => report.match(what)?.length ?? 0;
  const notRun = count(/<skipped/g);
  const reported = count(/<failure|<error/g);
  const failed = code === 0 ? reported : Math.max(reported, 1);
  const passed = count(/<testcase /g) - reported - notRun;
  // The report does not tell tests that a filter left out from ignored ones.
  const skipped = Deno.args.some((arg) => arg.startsWith("--filter")) ? 0 : notRun;
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}
