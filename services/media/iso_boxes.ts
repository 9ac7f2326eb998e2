// The boxes of MP4, QuickTime, 3GP and 3G2 files (ISO 14496-12, section 4.2).

import { type Bytes, viewOf } from "./bytes.ts";

export interface Box {
  type: string;
  /** Offset of its content. */
  start: number;
  /** May be beyond the end of the parent, if the file is cut off or malformed. */
  end: number;
}

/** The boxes between two offsets, as long as they are well-formed. */
export async function* listBoxes(bytes: Bytes, start: number, end: number): AsyncGenerator<Box> {
  for (let at = start; at + 8 <= end;) {
    const head = await viewOf(bytes, at, 8);
    let size = head.getUint32(0);
    let headBytes = 8;
    if (size === 1) {
      if (at + 16 > end) return;
      size = Number((await viewOf(bytes, at, 16)).getBigUint64(8));
      headBytes = 16;
    } else if (size === 0) {
      size = end - at;
    }
    if (size < headBytes) return;
    yield { type: nameAt(head, 4), start: at + headBytes, end: at + size };
    at += size;
  }
}

/** The boxes in a box. @throws Error if one is incomplete */
export async function childrenOf(bytes: Bytes, box: Box): Promise<Box[]> {
  const children: Box[] = [];
  for await (const child of listBoxes(bytes, box.start, box.end)) {
    if (child.end > box.end) throw new Error(`Cannot read ${child.type}: it is cut`);
    children.push(child);
  }
  return children;
}

export async function childOf(bytes: Bytes, box: Box, type: string): Promise<Box | null> {
  return (await childrenOf(bytes, box)).find((child) => child.type === type) ?? null;
}

/** The content of a box. @throws EndOfBytes, RangeError if it claims more than `bytesMax` */
export async function contentOf(bytes: Bytes, box: Box, bytesMax = 4096): Promise<DataView> {
  const length = box.end - box.start;
  if (length > bytesMax) throw new RangeError(`Cannot read ${box.type}: it is too long`);
  return await viewOf(bytes, box.start, length);
}

/** The four characters of a box type. */
export function nameAt(view: DataView, at: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, 4));
}

/** A time of 32 bits in version 0 and 64 bits in version 1. All ones mean unknown, returned as 0. */
export function timeAt(view: DataView, at: number, version: number): number {
  if (version === 1) {
    const time = view.getBigUint64(at);
    return time === 0xffff_ffff_ffff_ffffn ? 0 : Number(time);
  }
  const time = view.getUint32(at);
  return time === 0xffff_ffff ? 0 : time;
}
