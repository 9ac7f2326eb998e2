// Lines to standard output, in the order in which they come, and never at the cost of the service: whoever is to read them
// may stop, and go on, or be gone.

/**
 * A write costs as much as ten lines: those of a busy service go out together, this long after the last were written. What
 * a process that is killed has not written is lost.
 */
const GATHERED_MS_MAX = 50;
/** So many characters go out at once. */
const GATHERED_MAX = 32_768;
/** So many wait for a reader that has stopped. What comes then is lost, and counted. */
const WAITING_MAX = 1_048_576;

export interface Printer {
  /** Writes a line: at the end of this turn of the event loop, or with the lines of the next ones. */
  print(line: string): void;
  /** Resolves when all is written, or somebody has had to wait for so long. */
  flushed(msMax: number): Promise<void>;
}

export function createPrinter(
  { write, onLost }: {
    /** As `Deno.stdout.write`: says how many bytes it took. */
    write: (bytes: Uint8Array) => Promise<number>;
    /** So many lines nobody read in time. */
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

  /** A reader that went away is no reason to stop. */
  async function writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await write(rest));
    } catch { /* nobody reads any more */ }
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
