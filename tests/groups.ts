// Test files in groups that share one load of the modules, one connection to the cluster, wiped databases and one
// browser: most of what a small file costs is to get as far as its first test.

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** The fewer groups, the less is loaded twice; and the longer one core waits for the last group of another. */
const FILES_IN_GROUP = 8;
/** A file of a browser's tests takes longer. */
const BROWSER_FILES_IN_GROUP = 4;

/** Whether this is the text of a test that opens a browser. */
export function usesBrowser(text: string): boolean {
  return /"\.\/(browser|web_\w+)\.ts"/.test(text);
}

/** Writes a module for each group of the folder's test files, and answers with their paths in the order to run them. */
export async function writeGroups(tests: string, into: string): Promise<string[]> {
  const browser: string[] = [];
  const other: string[] = [];
  for await (const { name } of Deno.readDir(tests)) {
    if (!name.endsWith("_test.ts")) continue;
    const path = resolve(tests, name);
    (usesBrowser(await Deno.readTextFile(path)) ? browser : other).push(path);
  }
  const groups = mixed(deal(browser, BROWSER_FILES_IN_GROUP), deal(other, FILES_IN_GROUP));
  return await Promise.all(groups.map(async (files, index) => {
    const path = join(into, `group_${String(index + 1).padStart(2, "0")}.ts`);
    await Deno.writeTextFile(path, files.map((file) => `import "${pathToFileURL(file)}";\n`).join(""));
    return path;
  }));
}

/** Deals them out like cards, so that neighbours by name, which are alike, do not all fall into one group. */
function deal(files: string[], size: number): string[][] {
  const groups = Array.from({ length: Math.ceil(files.length / size) }, () => [] as string[]);
  for (const [index, file] of files.sort().entries()) groups[index % groups.length]!.push(file);
  return groups;
}

/** Spreads the first evenly among the second: two browsers beside each other are slow. */
function mixed<Group>(first: Group[], second: Group[]): Group[] {
  const places = [first, second].flatMap((groups) =>
    groups.map((group, index) => ({ group, place: (index + 0.5) / groups.length }))
  );
  return places.sort((a, b) => a.place - b.place).map(({ group }) => group);
}
