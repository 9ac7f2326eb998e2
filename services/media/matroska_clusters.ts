// The duration of a recording whose header has none: the end of the last block of the last cluster.

import { type Bytes, occurrencesFromEnd, viewOf } from "./bytes.ts";
import { type Element, listElements, uintOf, vintAt } from "./ebml.ts";

const CLUSTER = [0x1f, 0x43, 0xb6, 0x75];
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const BLOCK_DURATION = 0x9b;
/** Other elements of a cluster: Position, PrevSize, CRC-32, Void, SilentTracks, EncryptedBlock. */
const OTHERS = [0xa7, 0xab, 0xbf, 0xec, 0x5854, 0xaf];

/** A track number of up to 8 bytes, and a time of 2. */
const BLOCK_HEAD_BYTES_MAX = 10;

/** In units of the segment; 0 if there is no cluster. */
export async function lastClusterEnd(bytes: Bytes): Promise<number> {
  for await (const id of occurrencesFromEnd(bytes, CLUSTER)) {
    const end = await readCluster(bytes, id);
    if (end !== null) return end;
  }
  return 0;
}

/** Null if the bytes only look like a cluster. */
async function readCluster(bytes: Bytes, id: number): Promise<number | null> {
  const size = vintAt(await viewOf(bytes, id + 4, Math.min(8, bytes.size - id - 4)), 0);
  if (!size) return null;
  const start = id + 4 + size.length;
  const end = Math.min(bytes.size, size.value === null ? Infinity : start + size.value);

  const last = new Map<number, number>();
  let base: number | null = null;
  let until = 0;
  for await (const element of listElements(bytes, start, end)) {
    if (element.id === TIMESTAMP) {
      base = await uintOf(bytes, element);
      until = Math.max(until, base);
    } else if (element.id === SIMPLE_BLOCK || element.id === BLOCK_GROUP) {
      const block = await readBlock(bytes, element);
      if (base === null || !block) return base === null ? null : until;
      const time = base + block.time;
      // A block without a duration is assumed to last as long as the one before it.
      const duration = block.duration ?? time - (last.get(block.track) ?? time);
      until = Math.max(until, time + duration);
      last.set(block.track, time);
    } else if (!OTHERS.includes(element.id)) {
      break;
    }
  }
  return base === null ? null : until;
}

/** Null if the block is cut off. */
async function readBlock(bytes: Bytes, element: Element) {
  let block = element;
  let duration: number | null = null;
  if (element.id === BLOCK_GROUP) {
    for await (const child of listElements(bytes, element.start, Math.min(element.end ?? 0, bytes.size))) {
      if (child.id === BLOCK) block = child;
      if (child.id === BLOCK_DURATION) duration = await uintOf(bytes, child);
    }
  }
  const head = await viewOf(bytes, block.start, Math.min(BLOCK_HEAD_BYTES_MAX, bytes.size - block.start));
  const track = vintAt(head, 0);
  if (!track || track.length + 2 > head.byteLength || block.id === BLOCK_GROUP) return null;
  return { track: track.marked, time: head.getInt16(track.length), duration };
}
