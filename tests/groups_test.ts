// Groups of test files: none is left out, and none runs twice.

import { deepEqual, ok } from "./assert.ts";
import { usesBrowser, writeGroups } from "./groups.ts";

const HERE = new URL("./", import.meta.url).pathname;

Deno.test("every test file is in one group, and those with a browser are by themselves", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const grouped: string[] = [];
    for (const path of await writeGroups(HERE, folder)) {
      const text = await Deno.readTextFile(path);
      const files = [...text.matchAll(/^import "file:\/\/(.+)";$/gm)].map(([, file]) => file!);
      const browsers = await Promise.all(
        files.map(async (file) => usesBrowser(await Deno.readTextFile(file))),
      );
      ok(browsers.every((one) => one === browsers[0]), text);
      grouped.push(...files);
    }
    const all: string[] = [];
    for await (const { name } of Deno.readDir(HERE)) if (name.endsWith("_test.ts")) all.push(HERE + name);
    deepEqual(grouped.sort(), all.sort());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
