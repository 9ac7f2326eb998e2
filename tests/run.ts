/**
 * Runs the tests on a PostgreSQL of their own, started by the service's launcher in a directory that is removed at
 * the end. Takes the file names and flags of `deno test`, without a name all tests, in groups; the last line is
 * "N passed, N failed".
 */
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbedded } from "../db/embedded/launcher.ts";
import { usesBrowser, writeGroups } from "./groups.ts";

/** A crash of the machine may lose the data, and every test file opens connections of its own. */
const SETTINGS = { fsync: "off", full_page_writes: "off", max_connections: "300" };

/**
 * The time limit of a run, so that a hanging test does not block `deno task ok`. Long runs are asked for by
 * name and may take their time.
 */
const MINUTES_MAX = Deno.env.has("LONG") || Deno.env.has("FUZZ") ? 180 : 40;
const IS_CI = Deno.env.has("CI");
/** If more browser tests than this fail, it is not by chance. */
const SECOND_TRY_MAX = 2;
const TAIL_LENGTH = 1_000;

// Files that tests make are readable by the other users whom some tests run as, whatever the caller's umask is.
Deno.umask(0o022);

const folder = await Deno.makeTempDir({ prefix: "puffintalk-tests-" });
// When run as root, PostgreSQL runs as another user, who needs access.
await Deno.chmod(folder, 0o711);

let running: Deno.ChildProcess | null = null;
let isStopped = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => {
    isStopped = true;
    running?.kill("SIGTERM");
  });
}

interface Ran {
  code: number;
  /**
   * The failures that the last line counts, including those outside of any test, which the report does not
   * have.
   */
  failed: number;
  /** The report, in JUnit's format. */
  report: string;
}

let server: EmbeddedPostgres | null = null;
let code = 1;
try {
  server = await startEmbedded(folder, { settings: SETTINGS });
  const first = await test(server.address.host, await withPaths(Deno.args));
  const again = IS_CI && Deno.args.length === 0 ? await browserTestsOf(first) : [];
  const second = again.length > 0
    ? await test(server.address.host, await withPaths([only(again)]), { jobs: 1 })
    : null;
  const left = second && leftOf(again, second);
  if (left === 0) console.log(`Passed only when tried again, alone:\n  ${again.join("\n  ")}`);
  code = left === 0 ? 0 : first.code;
  console.log(countsOf(first, left ?? undefined));
} finally {
  await server?.stop();
  // The data may lie outside the folder, where the server's user has access.
  if (server) await Deno.remove(server.location, { recursive: true });
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(code);

/**
 * Runs `deno test` without type checks: `deno task ok` does those, and they would delay every single run.
 * @param options `jobs`: files at once; one more than there are cores, because many wait for a process or a
 * browser
 */
async function test(
  host: string,
  args: string[],
  { jobs = navigator.hardwareConcurrency + 1 } = {},
): Promise<Ran> {
  const path = join(folder, "report.xml");
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "--frozen", "--no-check", "-A", "--parallel", `--junit-path=${path}`, ...args],
    env: { TEST_DATABASE_HOST: host, DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(jobs) },
    stdout: IS_CI ? "piped" : "inherit",
  }).spawn();
  running = tests;
  if (isStopped) tests.kill("SIGTERM");
  const late = setTimeout(() => {
    console.error(
      `The tests did not end within ${MINUTES_MAX} minutes: the last one said to be running hangs`,
    );
    tests.kill("SIGKILL");
  }, MINUTES_MAX * 60_000);
  const tail = IS_CI ? await passOn(tests.stdout) : "";
  const { code } = await tests.status;
  clearTimeout(late);
  const report = await Deno.readTextFile(path).catch(() => "");
  await Deno.remove(path).catch(() => {});
  const [, failed = "0"] = /\| (\d+) failed/.exec(tail) ?? [];
  return { code, failed: Number(failed), report };
}

/** Prints the output, and returns its last characters. */
async function passOn(output: ReadableStream<Uint8Array>): Promise<string> {
  let tail = "";
  const decoder = new TextDecoder();
  for await (const chunk of output) {
    for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-TAIL_LENGTH);
  }
  return tail;
}

/**
 * The failed browser tests, if nothing else failed. A browser on a busy machine is sometimes late, so these
 * are tried once more on their own.
 */
async function browserTestsOf({ failed, report }: Ran): Promise<string[]> {
  const failures = failuresOf(report);
  if (isStopped || failures.length !== failed || failed > SECOND_TRY_MAX) return [];
  for (const { file } of failures) {
    if (!usesBrowser(await Deno.readTextFile(file).catch(() => ""))) return [];
  }
  return failures.map(({ name }) => name);
}

/** The flag that runs these tests only. */
function only(names: string[]): string {
  return `--filter=/^(${names.map(RegExp.escape).join("|")})$/`;
}

/** The failed tests, each with the file that defines it, which may be a helper. */
function failuresOf(report: string): { file: string; name: string }[] {
  const cases = report.match(/<testcase [^>]*>\s*<(failure|error)/g) ?? [];
  return cases.map((one) => ({
    file: /classname="([^"]*)"/.exec(one)?.[1] ?? "",
    name: fromXml(/name="([^"]*)"/.exec(one)?.[1] ?? ""),
  }));
}

function fromXml(text: string): string {
  const characters: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(\w+);/g, (entity, name) => characters[name] ?? entity);
}

/** Adds all test files, unless an argument is a path. The value of a flag is not an existing path. */
async function withPaths(args: string[]): Promise<string[]> {
  const named = args.some((arg) => {
    try {
      return Boolean(Deno.lstatSync(arg));
    } catch {
      return arg.endsWith(".ts");
    }
  });
  return named ? args : [...args, ...await writeGroups("tests/", folder)];
}

/** How many tests failed on the second try as well. */
function leftOf(names: string[], { code, report }: Ran): number {
  const passed = countOf(report, /<testcase /g) - countOf(report, /<skipped/g) - failuresOf(report).length;
  return Math.max(names.length - passed, code === 0 ? 0 : 1);
}

/**
 * The last line. A failure outside of any test, for example a file that does not compile, counts as one.
 * @param left how many failures remain after a second try
 */
function countsOf({ code, report }: Ran, left?: number): string {
  const notRun = countOf(report, /<skipped/g);
  const reported = left ?? countOf(report, /<failure|<error/g);
  const failed = code === 0 || left !== undefined ? reported : Math.max(reported, 1);
  const passed = countOf(report, /<testcase /g) - reported - notRun;
  // The report does not distinguish tests left out by a filter from ignored ones.
  const skipped = Deno.args.some((arg) => arg.startsWith("--filter")) ? 0 : notRun;
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

function countOf(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}
