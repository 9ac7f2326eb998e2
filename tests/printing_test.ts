// Printing the log to readers that read at once, later, or never.

import { createPrinter } from "../printing.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { reservedPort } from "./reserved_port.ts";
import { eventually } from "./support.ts";

/** A printer whose reader takes `atOnce` bytes at a time, and nothing while it is `stopped`. */
function createReader({ atOnce = Infinity } = {}) {
  const reader = {
    read: "",
    lost: [] as number[],
    stopped: null as PromiseWithResolvers<void> | null,
    writes: 0,
  };
  const printer = createPrinter({
    async write(bytes) {
      reader.writes += 1;
      await reader.stopped?.promise;
      const taken = bytes.subarray(0, atOnce);
      reader.read += new TextDecoder().decode(taken);
      return taken.length;
    },
    onLost: (lines) => reader.lost.push(lines),
  });
  return { reader, printer };
}

Deno.test("lines are written whole and in order, however little the reader takes at a time, and many of them in one write", async () => {
  const { reader, printer } = createReader({ atOnce: 7 });
  const lines = Array.from({ length: 100 }, (_, nth) => `line ${nth}`);
  lines.forEach(printer.print);
  await eventually(() => reader.read === `${lines.join("\n")}\n`);

  const together = createReader();
  lines.forEach(together.printer.print);
  await eventually(() => together.reader.read.endsWith("line 99\n"));
  equal(together.reader.writes, 1);
});

Deno.test("the lines of a busy service are written together, some twenty times a second, and none is followed by an empty one", async () => {
  const { reader, printer } = createReader();
  const since = performance.now();
  let count = 0;
  for (; performance.now() - since < 200; count += 1) {
    printer.print("line\n");
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await printer.flushed(5_000);
  const writesMax = 2 + (performance.now() - since) / 50;
  ok(reader.writes <= writesMax, `${reader.writes} of ${writesMax}`);
  equal(reader.read, "line\n".repeat(count));

  const before = reader.writes;
  printer.print("x".repeat(40_000));
  equal(reader.writes, before + 1, "and at once where there is much");
  await printer.flushed(5_000);
});

Deno.test("lines wait for a reader that stopped; those beyond the buffer are lost and counted", async () => {
  const { reader, printer } = createReader();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  reader.stopped = { promise, resolve, reject };
  const line = "x".repeat(1_023);
  const count = 2_000;
  for (let nth = 0; nth < count; nth += 1) {
    printer.print(line);
    if (nth === 0) await eventually(() => reader.writes === 1);
  }
  equal(reader.read, "");
  resolve();
  await printer.flushed(5_000);

  const read = reader.read.split("\n").length - 1;
  ok(read > 1_000 && read < count, `${read}`);
  deepEqual(reader.lost, [count - read]);
});

Deno.test("flushed() waits for unwritten lines, and not for a reader that never reads", async () => {
  const { reader, printer } = createReader();
  printer.print("last words");
  await printer.flushed(5_000);
  equal(reader.read, "last words\n");

  reader.stopped = Promise.withResolvers();
  printer.print("for nobody");
  await printer.flushed(20);
  equal(reader.read, "last words\n");
  reader.stopped.resolve();
});

Deno.test("the printer goes on when its reader is gone", async () => {
  let writes = 0;
  const printer = createPrinter({
    write() {
      writes += 1;
      return Promise.reject(new Deno.errors.BrokenPipe("gone"));
    },
    onLost: () => {},
  });
  printer.print("one");
  await printer.flushed(5_000);
  printer.print("two");
  await printer.flushed(5_000);
  equal(writes, 2);
});

Deno.test("a service whose log nobody reads goes on answering, and stops when it is told to", async () => {
  const database = await createTestDatabase();
  const port = reservedPort();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", new URL("../main.ts", import.meta.url).pathname],
    env: { PORT: String(port), DATABASE_URL: database.url, LOG_FORMAT: "json" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const ask = async () =>
      (await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(5_000) })).status;
    await eventually(async () => equal(await ask(), 200), 20_000);
    // A pipe holds 64 KiB; a line of the log has some 200 bytes.
    for (let nth = 0; nth < 2_000; nth += 1) equal(await ask(), 200);
    const since = performance.now();
    child.kill("SIGTERM");
    equal((await child.status).code, 0);
    ok(performance.now() - since < 9_000);
  } finally {
    try {
      child.kill("SIGKILL");
    } catch { /* it has ended */ }
    await child.stdout.cancel();
    await database.drop();
  }
});
