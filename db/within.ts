/** Rejects when `answer` takes longer than `ms`; what it does goes on, unheard. */
export async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${ms} ms`)), ms);
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
