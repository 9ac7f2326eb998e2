/**
 * `deno task build`: bundles the web client of web/ into web/dist/, compressed, as routes/web.ts serves it. Does nothing if
 * that is up to date, so that it costs a start next to nothing and needs no write permission after the first build.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const ROOT = new URL("./", import.meta.url);
const WEB = new URL("web/", ROOT);
const DIST = new URL("web/dist/", ROOT);
/** Contains the hash of all sources of the build. */
const STAMP = new URL("built.txt", DIST);
const SOURCES = ["build.ts", "deno.json", "deno.lock", "services/texts/", "web/"];
const COMPRESSED = /\.(css|html|js|svg|webmanifest)$/;
/** Error codes of the system for a failed write that is not a fault of the build. */
const REFUSALS = ["EROFS", "EACCES", "EPERM", "ENOSPC", "EDQUOT"];

if (import.meta.main) {
  const stamp = await hashOf(SOURCES);
  const built = await Deno.readTextFile(STAMP).catch(() => null);
  if (built !== stamp) await build(stamp).catch(explain);
}

/** A folder that cannot be written is not a fault of the build: prints one sentence instead of a stack trace. */
function explain(error: unknown): void {
  const sentence = sentenceOf(error);
  if (sentence === null) throw error;
  console.error(sentence);
  Deno.exit(1);
}

/** The sentence for a write that the system refused; null for any other error. */
export function sentenceOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || !REFUSALS.includes(String(error.code))) return null;
  return `web/dist cannot be written: ${error.message}`;
}

/** Puts all files in place at once, so that a reader never finds parts of two builds. */
async function build(stamp: string): Promise<void> {
  const files = new Map<string, Uint8Array>();
  for await (const { name } of Deno.readDir(new URL("static/", WEB))) {
    files.set(name, await Deno.readFile(new URL(`static/${name}`, WEB)));
  }
  const main = named("main.js", await bundle("app/main.tsx"));
  files.set(main.name, main.bytes);
  files.set("index.html", await page("app/index.html", "app/style.css", main.name));
  files.set("worker.js", await worker(files));
  files.set("handover.js", await bundle("handover/main.ts"));
  const dev = named("dev.js", await bundle("dev/main.tsx"));
  files.set(dev.name, dev.bytes);
  files.set("dev.html", await page("dev/dev.html", "dev/style.css", dev.name));

  const folder = await Deno.makeTempDir({ dir: fileURLToPath(WEB), prefix: "dist-" });
  for (const [name, bytes] of files) await write(`${folder}/${name}`, bytes);
  await Deno.writeTextFile(`${folder}/built.txt`, stamp);
  await Deno.chmod(folder, 0o755);
  try {
    await Deno.remove(DIST, { recursive: true }).catch(() => {});
    await Deno.rename(folder, DIST);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    // Another build that started at the same moment may have put the same result there.
    if (await Deno.readTextFile(STAMP).catch(() => null) !== stamp) throw error;
  }
}

/** Bundles a script with everything that it imports. */
async function bundle(entry: string): Promise<Uint8Array> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--frozen", "--quiet", "--platform", "browser", "--minify", entry],
    cwd: WEB,
  }).output();
  if (code !== 0) throw new Error(`Cannot bundle ${entry}:\n${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** Gives a file a name that changes with its content, so that browsers may cache it for ever. */
function named(name: string, bytes: Uint8Array): { name: string; bytes: Uint8Array } {
  const [stem, ending] = name.split(".");
  return { name: `${stem}-${digest([bytes]).slice(0, 8)}.${ending}`, bytes };
}

/** The page with its style inlined, so that the first paint waits for only one response. */
async function page(html: string, css: string, script: string): Promise<Uint8Array> {
  const style = squeezed(await Deno.readTextFile(new URL(css, WEB)));
  const text = (await Deno.readTextFile(new URL(html, WEB)))
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("/app/main.js", `/app/${script}`)
    .replaceAll(/\n\s*/g, "\n");
  return new TextEncoder().encode(text);
}

function squeezed(css: string): string {
  return css.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\s+/g, " ")
    .replaceAll(/ ?([{};,]) ?/g, "$1").replaceAll(/: /g, ":").replaceAll(";}", "}").trim();
}

/** The service worker, with the list of the files that it caches. */
async function worker(files: Map<string, Uint8Array>): Promise<Uint8Array> {
  const version = digest(files.values()).slice(0, 16);
  const paths = [
    "/app",
    ...[...files.keys()].filter((name) => name !== "index.html").map((name) => `/app/${name}`),
  ];
  const head = new TextEncoder().encode(`self.SHELL=${JSON.stringify({ version, paths })};\n`);
  const body = await bundle("worker/worker.ts");
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.writeFile(path, bytes);
  if (!COMPRESSED.test(path)) return;
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  await Deno.writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  await Deno.writeFile(`${path}.br`, brotliCompressSync(bytes, quality));
}

function digest(parts: Iterable<Uint8Array>): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** The hash of the content of files and of everything in folders. */
async function hashOf(paths: string[]): Promise<string> {
  const parts: Uint8Array[] = [];
  for (const path of paths) {
    if (!path.endsWith("/")) {
      parts.push(new TextEncoder().encode(path), await Deno.readFile(new URL(path, ROOT)));
      continue;
    }
    const entries = (await Array.fromAsync(Deno.readDir(new URL(path, ROOT))))
      .filter(({ name }) => !name.startsWith("dist"))
      .map(({ name, isDirectory }) => path + name + (isDirectory ? "/" : ""));
    parts.push(new TextEncoder().encode(await hashOf(entries.sort())));
  }
  return digest(parts);
}
