// WebM and Matroska (RFC 9559). Recordings by browsers have no duration in their header.

import type { Bytes } from "./bytes.ts";
import { type Element, elementAt, floatOf, listElements, uintOf, wholeIn } from "./ebml.ts";
import { lastClusterEnd } from "./matroska_clusters.ts";
import type { Tracks } from "./tracks.ts";

const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TIMESTAMP_SCALE = 0x2ad7b1;
const DURATION = 0x4489;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const TRACK_TYPE = 0x83;
const CLUSTER = 0x1f43b675;

const VIDEO = 1;
const AUDIO = 2;

interface Info {
  /** Nanoseconds per unit of time. */
  scale: number;
  /** Duration in units; 0 if the header does not have it. */
  units: number;
}

const NO_INFO: Info = { scale: 1_000_000, units: 0 };

export async function readMatroska(bytes: Bytes): Promise<Tracks | null> {
  const header = await elementAt(bytes, 0, bytes.size);
  const segment = header?.end ? await elementAt(bytes, header.end, bytes.size) : null;
  if (segment?.id !== SEGMENT) return null;

  let info: Info | null = null;
  let types: number[] | null = null;
  for await (
    const element of listElements(bytes, segment.start, Math.min(segment.end ?? Infinity, bytes.size))
  ) {
    if (element.id === INFO) info = await readInfo(bytes, element);
    if (element.id === TRACKS) types = await readTrackTypes(bytes, element);
    if (types && (info || element.id === CLUSTER)) break;
  }
  const { scale, units } = info ?? NO_INFO;
  return types && {
    audio: types.includes(AUDIO),
    video: types.includes(VIDEO),
    duration: async () => (units > 0 ? units : await lastClusterEnd(bytes)) * scale / 1e9,
  };
}

async function readInfo(bytes: Bytes, element: Element): Promise<Info> {
  const { start, end } = wholeIn(element, bytes.size);
  const info = { ...NO_INFO };
  for await (const child of listElements(bytes, start, end)) {
    if (child.id === TIMESTAMP_SCALE) info.scale = await uintOf(bytes, child);
    if (child.id === DURATION) info.units = await floatOf(bytes, child);
  }
  return info;
}

async function readTrackTypes(bytes: Bytes, element: Element): Promise<number[]> {
  const tracks = wholeIn(element, bytes.size);
  const types: number[] = [];
  for await (const entry of listElements(bytes, tracks.start, tracks.end)) {
    const track = wholeIn(entry, tracks.end);
    if (entry.id !== TRACK_ENTRY) continue;
    for await (const child of listElements(bytes, track.start, track.end)) {
      if (child.id === TRACK_TYPE) types.push(await uintOf(bytes, child));
    }
  }
  return types;
}
