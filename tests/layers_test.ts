import { deepEqual, equal, notEqual, ok, throws } from "./assert.ts";
import { findBreaks, type Source } from "./layers.ts";

const ROOT = new URL("../", import.meta.url);
const FOLDERS = ["routes", "services", "db", "web"];

async function readSources(folder: string): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const { name, isFile, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}${name}`;
    if (isDirectory && (folder !== "" || FOLDERS.includes(name)) && name !== "dist") {
      sources.push(...await readSources(`${path}/`));
    }
    if (!isFile || !/\.tsx?$/.test(name)) continue;
    sources.push({ path, text: await Deno.readTextFile(new URL(path, ROOT)) });
  }
  return sources;
}

/** What findBreaks() finds in a valid project plus this one file. */
function housed(path: string, text: string): string[] {
  const sources = [
    "main.ts",
    "ports.ts",
    "start_database.ts",
    "start_warnings.ts",
    "terminal.ts",
    "routes/app.ts",
    "services/users.ts",
    "services/sms/twilio.ts",
    "services/texts/client.ts",
    "db/users.ts",
    "web/client.ts",
  ];
  const others = sources.filter((other) => other !== path).map((other) => ({ path: other, text: "" }));
  return findBreaks([...others, { path, text }]);
}

Deno.test("the code imports only from the layer below, has each package only in its home folder, and SQL only in db/", async () => {
  const sources = await readSources("");
  ok(sources.length > 60);
  for (const folder of FOLDERS) ok(sources.some(({ path }) => path.startsWith(`${folder}/`)), folder);
  deepEqual(findBreaks(sources), []);
});

Deno.test("tests use the strict comparisons of tests/assert.ts, and the bench uses strict ones as well", async () => {
  throws(() => equal(null, undefined));
  throws(() => deepEqual([1], ["1"]));
  throws(() => notEqual(1, 1));
  notEqual(1, "1");
  const loose: string[] = [];
  for (const folder of ["tests/", "bench/", "bench/scenarios/"]) {
    for await (const { name } of Deno.readDir(new URL(folder, ROOT))) {
      if (!/\.tsx?$/.test(name) || `${folder}${name}` === "tests/assert.ts") continue;
      const text = await Deno.readTextFile(new URL(folder + name, ROOT));
      const [taken] = text.match(/^import\b[^;]*? from "node:assert[^"]*"/m) ?? [];
      const isLoose = folder === "tests/" || !/\{/.test(taken ?? "") ||
        /(?<!as )\b(equal|deepEqual|notEqual|notDeepEqual)\b/.test(taken!);
      if (taken && isLoose) loose.push(`${folder}${name}`);
    }
  }
  deepEqual(loose, []);
});

Deno.test("findBreaks() finds imports upwards, two layers down, of types, and of a missing file", () => {
  deepEqual(housed("routes/pages/a.tsx", 'import { a } from "../../db/users.ts";'), [
    "routes/pages/a.tsx imports db/users.ts",
  ]);
  deepEqual(housed("db/rows.ts", 'import { a } from "../services/users.ts";'), [
    "db/rows.ts imports services/users.ts",
  ]);
  deepEqual(housed("services/a.ts", 'export * from "../routes/app.ts";'), [
    "services/a.ts imports routes/app.ts",
  ]);
  deepEqual(housed("routes/a.ts", 'import "../db/users.ts";'), ["routes/a.ts imports db/users.ts"]);
  deepEqual(housed("routes/a.ts", 'import type { A } from "../db/users.ts";'), [
    "routes/a.ts imports db/users.ts",
  ]);
  deepEqual(housed("routes/a.ts", 'import {\n  a,\n  b,\n} from "../db/users.ts";'), [
    "routes/a.ts imports db/users.ts",
  ]);
  deepEqual(housed("routes/a.ts", 'const a = await import("../db/users.ts");'), [
    "routes/a.ts imports db/users.ts",
  ]);
  deepEqual(housed("services/sms/a.ts", 'import "../../main.ts";'), ["services/sms/a.ts imports main.ts"]);
  deepEqual(housed("services/a.ts", 'import "./lost.ts";'), [
    "services/a.ts imports services/lost.ts, which is not there",
  ]);
});

Deno.test("findBreaks() lets the web client import nothing of the service but its texts, and nothing import the client", () => {
  for (const target of ["services/users.ts", "routes/app.ts", "db/users.ts"]) {
    deepEqual(housed("web/app/a.tsx", `import type { A } from "../../${target}";`), [
      `web/app/a.tsx imports ${target}`,
    ]);
  }
  for (const path of ["routes/a.ts", "services/a.ts"]) {
    deepEqual(housed(path, 'import "../web/client.ts";'), [`${path} imports web/client.ts`]);
  }
  deepEqual(housed("web/app/a.tsx", 'import "../../services/texts/client.ts";\nimport "preact";'), []);
  deepEqual(housed("routes/a.tsx", 'import { h } from "preact";'), [
    "routes/a.tsx imports preact, whose home is web/",
  ]);
});

Deno.test("findBreaks() finds a package outside its home, and one that has none", () => {
  deepEqual(housed("services/a.ts", 'import { Hono } from "hono";'), [
    "services/a.ts imports hono, whose home is routes/",
  ]);
  deepEqual(housed("routes/a.ts", 'import type { Sql } from "postgres";'), [
    "routes/a.ts imports postgres, whose home is db/",
  ]);
  deepEqual(housed("routes/a.ts", 'import { jwtVerify } from "jose";'), [
    "routes/a.ts imports jose, whose home is services/",
  ]);
  deepEqual(housed("main.ts", 'import { z } from "@hono/zod-openapi";'), [
    "main.ts imports @hono/zod-openapi, whose home is routes/",
  ]);
  deepEqual(housed("db/a.ts", 'import "left-pad";'), ["db/a.ts imports left-pad, which has no home"]);
});

Deno.test("findBreaks() finds SQL and unsafe() where they do not belong, and names that say nothing", () => {
  deepEqual(housed("services/a.ts", "await sql`select 1`;"), ["services/a.ts has SQL"]);
  deepEqual(housed("services/a.ts", "await sql<{ id: number }[]>`\n  select 1`;"), ["services/a.ts has SQL"]);
  deepEqual(housed("routes/a.ts", "run(`\n  select id from users`);"), ["routes/a.ts has SQL"]);
  deepEqual(housed("db/a.ts", "await sql.unsafe(text);"), ["db/a.ts calls unsafe()"]);
  for (const path of ["services/utils.ts", "routes/types/a.ts", "db/helpers.ts", "services/sms/index.ts"]) {
    deepEqual(housed(path, ""), [`${path} is called after nothing it does`]);
  }
});

Deno.test("findBreaks() finds nothing in a valid project", () => {
  const text = (lines: string[]) => lines.join("\n");
  deepEqual(
    housed(
      "main.ts",
      text(['import "./terminal.ts";', 'import "./routes/app.ts";', 'import "./db/users.ts";']),
    ),
    [],
  );
  deepEqual(
    housed(
      "services/sms/a.ts",
      text(['import "../users.ts";', 'import "../../db/users.ts";', 'import "twilio";']),
    ),
    [],
  );
  deepEqual(housed("db/a.ts", text(['import "./users.ts";', 'import "postgres";', "sql`select 1`;"])), []);
  deepEqual(
    housed(
      "routes/a.ts",
      '// import "../db/users.ts";\n/* sql`select 1` */ import { join } from "node:path";',
    ),
    [],
  );
});
