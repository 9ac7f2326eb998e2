// Writes lines to standard output in order, without ever blocking the service: the reader may pause, continue, or be gone.

/**
 * A write costs as much as ten lines, so a busy service writes its lines together, this long after the last write. Lines not
 * yet written when the process is killed are lost.
 */
const GATHERED_MS_MAX = 50;
/** How many characters are gathered before they are written at once. */
const GATHERED_MAX = 32_768;
/** How many characters wait for a reader that has paused. Lines beyond that are dropped and counted. */
const WAITING_MAX = 1_048_576;

export interface Printer {
  /** Writes a line at the end of this turn of the event loop, or together with lines of the next turns. */
  print(line: string): void;
  /** Resolves when everything is written, or after `msMax`. */
  flushed(msMax: number): Promise<void>;
}

export function createPrinter(
  { write, onLost }: {
    /** Like `Deno.stdout.write`: returns how many bytes it took. */
    write: (bytes: Uint8Array) => Promise<number>;
    /** Gets the number of lines that were dropped. */
    onLost: (lines: number) => void;
  },
): Printer {
  const encoder = new TextEncoder();
  let unwritten = "";
  let writing: Promise<void> | null = null;
  let lost = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let writtenAt = -Infinity;

  function print(line: string): void {
    if (unwritten.length > WAITING_MAX) return void (lost += 1);
    unwritten += line.endsWith("\n") ? line : `${line}\n`;
    writeSoon();
  }

  function writeSoon(): void {
    if (writing !== null || unwritten === "") return;
    if (unwritten.length > GATHERED_MAX) writeOut();
    else timer ??= setTimeout(writeOut, Math.max(0, writtenAt + GATHERED_MS_MAX - performance.now()));
  }

  function writeOut(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    writtenAt = performance.now();
    const bytes = encoder.encode(unwritten);
    unwritten = "";
    writing = writeAll(bytes).finally(() => {
      writing = null;
      if (lost > 0) tellLost();
      writeSoon();
    });
  }

  /** Ignores errors: a reader that is gone is no reason to stop. */
  async function writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await write(rest));
    } catch { /* the reader is gone */ }
  }

  function tellLost(): void {
    const lines = lost;
    lost = 0;
    onLost(lines);
  }

  async function flushed(msMax: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const patience = setTimeout(late.resolve, msMax);
    let isLate = false;
    late.promise.then(() => isLate = true);
    while (!isLate && (writing !== null || unwritten !== "")) {
      if (writing === null) writeOut();
      await Promise.race([writing, late.promise]);
    }
    clearTimeout(patience);
  }

  return { print, flushed };
}
