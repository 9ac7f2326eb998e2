// Groups test files so that they share loaded modules, a connection to the cluster, emptied databases, and a
// browser: most of the time of a small file passes before its first test.

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Larger groups load less twice; but the last group then keeps one core busy for longer while the others are
 * idle.
 */
const FILES_IN_GROUP = 8;
/** Files with browser tests take longer. */
const BROWSER_FILES_IN_GROUP = 4;

/** Whether a test file with this text uses a browser. */
export function usesBrowser(text: string): boolean {
  return /"\.\/(browser|web_\w+)\.ts"/.test(text);
}

/** Writes a module for each group, and returns their paths in the order in which to run them. */
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

/**
 * Deals the files out in turn, so that similar ones, which are neighbours by name, end up in different
 * groups.
 */
function deal(files: string[], size: number): string[][] {
  const groups = Array.from({ length: Math.ceil(files.length / size) }, () => [] as string[]);
  for (const [index, file] of files.sort().entries()) groups[index % groups.length]!.push(file);
  return groups;
}

/** Spreads the first list evenly among the second, because two browsers at the same time are slow. */
function mixed<Group>(first: Group[], second: Group[]): Group[] {
  const places = [first, second].flatMap((groups) =>
    groups.map((group, index) => ({ group, place: (index + 0.5) / groups.length }))
  );
  return places.sort((a, b) => a.place - b.place).map(({ group }) => group);
}
