// `deno task build`: when it writes, for whom, and what it says if it cannot.

import { sentenceOf } from "../build.ts";
import { deepEqual, equal } from "./assert.ts";

const ROOT = new URL("..", import.meta.url);

Deno.test("a build that is up to date writes nothing, so that it needs no permission to write", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--frozen", "--no-prompt", "--allow-read", "build.ts"],
    cwd: ROOT,
  }).output();
  deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
});

Deno.test({
  name: "other users of the machine can read what was built",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { mode } = await Deno.stat(new URL("web/dist/", ROOT));
    equal(mode! & 0o777, 0o755);
  },
});

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
