/** The time is measured in this many pieces. */
const PIECES = 4;
/** A piece that ends this much too late does not count: the process was busy or was not scheduled. */
const LATE_MS = 300;
/** The most pieces that are not counted. */
const LOST_MAX = 3;

/**
 * Rejects if `answer` takes longer than `ms`; its work continues, and the result is ignored. Time in which
 * this process did not run is not counted, within bounds, because an answer may have arrived that could not
 * be read.
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
