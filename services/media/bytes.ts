// Random access to the bytes of an upload for recognition, in cached pages and within a budget.

import { setImmediate } from "node:timers/promises";

/** The bytes of an upload. A read may be slow. */
export interface ByteSource {
  readonly size: number;
  /** Returns exactly `length` bytes. Never called for a range beyond `size`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * The budget of one stage of recognition. A read fetches one page of the source; a step is any look at the
 * bytes.
 */
export interface Budget {
  readsMax: number;
  stepsMax: number;
  timeMaxMs: number;
}

export class EndOfBytes extends Error {
  override name = "EndOfBytes";
}

class BudgetSpent extends Error {
  override name = "BudgetSpent";
}

const PAGE_BYTES = 128 * 1024;

/** This many looks at cached pages take a millisecond or two; then other work gets a turn. */
const STEPS_IN_A_ROW = 1_000;

/** One for the headers, the others for two distant positions that are read alternately. */
const PAGES_KEPT = 4;

export type Bytes = ReturnType<typeof openBytes>;

/** Caches a few pages, regardless of the size of the source. */
export function openBytes(source: ByteSource, first: Budget) {
  const pages = new Map<number, Uint8Array>();
  let failure: { error: unknown } | null = null;
  let budget = first;
  let reads = 0;
  let steps = 0;
  let stepsInARow = 0;
  let startedMs = performance.now();

  /** Starts a stage with a new budget. */
  function begin(next: Budget): void {
    budget = next;
    reads = steps = 0;
    startedMs = performance.now();
  }

  /** Returns a view or a copy of `length` bytes. @throws EndOfBytes, BudgetSpent, and the source's errors */
  async function read(offset: number, length: number): Promise<Uint8Array> {
    if (failure) throw failure.error;
    if (++steps > budget.stepsMax) throw new BudgetSpent("Too many steps");
    if (++stepsInARow > STEPS_IN_A_ROW) await letOthers();
    // Checked against the size here, because offsets come from the file itself.
    if (!(offset >= 0 && length >= 0 && offset + length <= source.size)) throw new EndOfBytes("Past the end");
    if (length === 0) return new Uint8Array();

    const firstPage = Math.floor(offset / PAGE_BYTES);
    const from = offset - firstPage * PAGE_BYTES;
    if (from + length <= PAGE_BYTES) return (await page(firstPage)).subarray(from, from + length);

    const whole = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = offset + done;
      const index = Math.floor(at / PAGE_BYTES);
      const part = (await page(index)).subarray(at - index * PAGE_BYTES).subarray(0, length - done);
      whole.set(part, done);
      done += part.length;
    }
    return whole;
  }

  /** Yields to other work: hostile bytes can cause a hundred thousand steps without a single read. */
  async function letOthers(): Promise<void> {
    stepsInARow = 0;
    await setImmediate();
  }

  async function page(index: number): Promise<Uint8Array> {
    const kept = pages.get(index);
    if (kept) {
      pages.delete(index);
      pages.set(index, kept);
      return kept;
    }
    if (++reads > budget.readsMax) throw new BudgetSpent("Too many reads");
    if (performance.now() - startedMs > budget.timeMaxMs) throw new BudgetSpent("Too slow");

    const bytes = await fetch(index * PAGE_BYTES);
    pages.set(index, bytes);
    for (const oldest of pages.keys()) {
      if (pages.size <= PAGES_KEPT) break;
      pages.delete(oldest);
    }
    return bytes;
  }

  async function fetch(offset: number): Promise<Uint8Array> {
    const length = Math.min(PAGE_BYTES, source.size - offset);
    try {
      const bytes = await source.read(offset, length);
      if (bytes.length !== length) {
        throw new Error(`Cannot read ${length} bytes at ${offset}: got ${bytes.length}`);
      }
      return bytes;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }

  /** The error of the source, if there was one; a library may have swallowed it. */
  const sourceFailure = () => failure;

  return { size: source.size, begin, read, sourceFailure };
}

/** @throws EndOfBytes */
export async function viewOf(bytes: Bytes, offset: number, length: number): Promise<DataView> {
  const part = await bytes.read(offset, length);
  return new DataView(part.buffer, part.byteOffset, part.byteLength);
}

/** The positions of `pattern`, from the last to the first. */
export async function* occurrencesFromEnd(bytes: Bytes, pattern: readonly number[]): AsyncGenerator<number> {
  const overlap = pattern.length - 1;
  const first = pattern[0]!;
  let end = bytes.size;
  while (end > overlap) {
    const start = Math.max(0, end - PAGE_BYTES);
    const part = await bytes.read(start, end - start);
    for (let at = part.lastIndexOf(first); at >= 0; at = at > 0 ? part.lastIndexOf(first, at - 1) : -1) {
      if (pattern.every((byte, index) => part[at + index] === byte)) yield start + at;
    }
    if (start === 0) return;
    end = start + overlap;
  }
}
