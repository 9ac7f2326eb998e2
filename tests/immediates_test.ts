import { guardImmediates } from "../db/connection/immediates.ts";
import { deepEqual } from "./assert.ts";

Deno.test("an immediate that throws is reported, and those after it run, even if the next one is cleared meanwhile", async () => {
  guardImmediates();
  const seen: string[] = [];
  const next = { immediate: null as ReturnType<typeof setImmediate> | null };
  const hear = (event: ErrorEvent) => {
    event.preventDefault();
    seen.push(event.error.message);
    clearImmediate(next.immediate!);
  };
  globalThis.addEventListener("error", hear);
  try {
    setImmediate(() => {
      throw new Error("thrown");
    });
    next.immediate = setImmediate(() => seen.push("cleared"));
    setImmediate((word: string) => seen.push(word), "behind");
    await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise<void>((resolve) => setImmediate(resolve));
    deepEqual(seen, ["thrown", "behind"]);
  } finally {
    globalThis.removeEventListener("error", hear);
  }
});

Deno.test("a flush of a connection that is closed already is not reported, and the immediates after it run", async () => {
  guardImmediates();
  const seen: string[] = [];
  const hear = (event: ErrorEvent) => {
    event.preventDefault();
    seen.push(event.error.message);
  };
  globalThis.addEventListener("error", hear);
  try {
    const closed = { socket: null as { write(): void } | null };
    // Named as in postgres.js.
    setImmediate(function nextWrite() {
      closed.socket!.write();
    });
    setImmediate(() => closed.socket!.write());
    setImmediate(() => seen.push("behind"));
    await new Promise((resolve) => setTimeout(resolve, 10));
    deepEqual(seen, ["Cannot read properties of null (reading 'write')", "behind"]);
  } finally {
    globalThis.removeEventListener("error", hear);
  }
});
