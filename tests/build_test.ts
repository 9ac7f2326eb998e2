// What `deno task build` says if it cannot write its files.

import { sentenceOf } from "../build.ts";
import { equal } from "./assert.ts";

Deno.test("a build that cannot write its files says so in one sentence; other errors have no sentence", () => {
  const error = (code: string) => Object.assign(new Error("Read-only file system (os error 30)"), { code });
  equal(sentenceOf(error("EROFS")), "web/dist cannot be written: Read-only file system (os error 30)");
  for (const code of ["EACCES", "EPERM", "ENOSPC"]) {
    equal(sentenceOf(error(code))?.startsWith("web/dist"), true);
  }
  for (const other of [error("ENOENT"), new Error("Cannot bundle app/main.tsx"), "EROFS"]) {
    equal(sentenceOf(other), null);
  }
});
