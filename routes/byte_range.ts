// Which bytes a request wants (RFC 9110, section 14). One range at a time: players ask for no more.

export interface ByteRange {
  start: number;
  /** Not included. */
  end: number;
}

/**
 * Null where the whole is to be sent: without a range, for several, for one that is not understood. `unsatisfiable` where
 * it lies outside.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | null {
  const [first, last] = offsetsOf(header ?? "");
  if (first === undefined || last === undefined || (first === "" && last === "")) return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  if (last !== "" && Number(last) < Number(first)) return null;
  if (Number(first) >= size) return "unsatisfiable";
  return { start: Number(first), end: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/** The two sides of one range, digits or nothing; none where it is not one. Never by one expression that tries many ways. */
function offsetsOf(header: string): string[] {
  if (!/^bytes=/i.test(header)) return [];
  const offsets = header.slice("bytes=".length).split("-").map((offset) => offset.trim());
  return offsets.length === 2 && offsets.every((offset) => /^\d*$/.test(offset)) ? offsets : [];
}
