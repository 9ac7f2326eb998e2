/** The time is taken in this many pieces. */
const PIECES = 4;
/** A piece that ends so much too late was not waited for: the process was busy, or was not given the processor. */
const LATE_MS = 300;
/** Pieces that count for nothing, at most. */
const LOST_MAX = 3;

/**
 * Rejects when `answer` takes longer than `ms`; what it does goes on, unheard. Time in which this process did not run
 * does not count, within bounds: an answer may have come in it, and nobody has looked.
 */
export async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    let [left, lost] = [PIECES, 0];
    const wait = () => {
      const dueAt = performance.now() + ms / PIECES;
      timer = setTimeout(() => {
        if (performance.now() - dueAt > LATE_MS && lost < LOST_MAX) lost += 1;
        else left -= 1;
        if (left > 0) wait();
        else reject(new Error(`No answer within ${ms} ms`));
      }, ms / PIECES);
    };
    wait();
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
