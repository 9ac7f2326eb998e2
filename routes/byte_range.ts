// Parses the Range header (RFC 9110, section 14). Only one range at a time: players ask for no more.

export interface ByteRange {
  start: number;
  /** Exclusive. */
  end: number;
}

/**
 * Null if all bytes are to be sent: without a range, with several, or with one that is malformed.
 * `unsatisfiable` if no byte is in the range.
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

/**
 * The two offsets of a single range, each of digits or empty; an empty array for anything else. Without one
 * large regular expression, which could backtrack for long.
 */
function offsetsOf(header: string): string[] {
  if (!/^bytes=/i.test(header)) return [];
  const offsets = header.slice("bytes=".length).split("-").map((offset) => offset.trim());
  return offsets.length === 2 && offsets.every((offset) => /^\d*$/.test(offset)) ? offsets : [];
}
