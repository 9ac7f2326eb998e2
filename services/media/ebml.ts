// The elements of WebM and Matroska files (RFC 8794).

import { type Bytes, viewOf } from "./bytes.ts";

export interface Element {
  id: number;
  /** Offset of its content. */
  start: number;
  /**
   * End of its content. Null if the writer did not know it, as in live recordings; may be beyond the end of
   * the parent.
   */
  end: number | null;
}

const HEAD_BYTES_MAX = 12;

/** Null if there is no element. @throws EndOfBytes */
export async function elementAt(bytes: Bytes, at: number, end: number): Promise<Element | null> {
  const view = await viewOf(bytes, at, Math.max(0, Math.min(HEAD_BYTES_MAX, end - at)));
  const id = vintAt(view, 0);
  const size = id && id.length <= 4 ? vintAt(view, id.length) : null;
  if (!id || !size) return null;

  const start = at + id.length + size.length;
  return { id: id.marked, start, end: size.value === null ? null : start + size.value };
}

/** The elements between two offsets, up to and including the first one without a known end. */
export async function* listElements(bytes: Bytes, start: number, end: number): AsyncGenerator<Element> {
  for (let at = start; at < end;) {
    const element = await elementAt(bytes, at, end);
    if (!element) return;
    yield element;
    if (element.end === null) return;
    at = element.end;
  }
}

/** @throws Error if the element has no end or is cut off */
export function wholeIn(element: Element, end: number): { start: number; end: number } {
  if (element.end === null || element.end > end) throw new Error("Cannot read element: it is cut");
  return { start: element.start, end: element.end };
}

/** @throws Error unless it is an integer of at most 8 bytes */
export async function uintOf(bytes: Bytes, element: Element): Promise<number> {
  const view = await contentOf(bytes, element);
  let value = 0;
  for (let at = 0; at < view.byteLength; at++) value = value * 256 + view.getUint8(at);
  return value;
}

/** @throws Error unless it is a float of 4 or 8 bytes */
export async function floatOf(bytes: Bytes, element: Element): Promise<number> {
  const view = await contentOf(bytes, element);
  return view.byteLength === 4 ? view.getFloat32(0) : view.getFloat64(0);
}

async function contentOf(bytes: Bytes, element: Element): Promise<DataView> {
  const length = element.end === null ? Infinity : element.end - element.start;
  if (length > 8) throw new RangeError("Cannot read number: it is too long");
  return await viewOf(bytes, element.start, length);
}

/**
 * A number that encodes its own length: its value without and with (`marked`) the length marker. The value is
 * null if all its bits are ones, which means unknown. Null if there is no whole number at `at`.
 */
export function vintAt(view: DataView, at: number) {
  if (at >= view.byteLength) return null;
  const length = Math.clz32(view.getUint8(at)) - 23;
  if (length > 8 || at + length > view.byteLength) return null;

  let marked = view.getUint8(at);
  let value = marked & (0xff >> length);
  let isUnknown = value === 0xff >> length;
  for (let next = at + 1; next < at + length; next++) {
    const byte = view.getUint8(next);
    marked = marked * 256 + byte;
    value = value * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  return { length, marked, value: isUnknown ? null : value };
}
