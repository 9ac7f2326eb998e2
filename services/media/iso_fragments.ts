// The duration of a fragmented movie: the end of its last fragments (ISO 14496-12, section 8.8).

import { type Bytes, occurrencesFromEnd, viewOf } from "./bytes.ts";
import { type Box, childrenOf, contentOf, timeAt } from "./iso_boxes.ts";
import type { IsoTrack } from "./iso_media.ts";

const MOOF = [0x6d, 0x6f, 0x6f, 0x66];

/** The last fragments that are read: those of different tracks may alternate. */
const FRAGMENTS_MAX = 64;
const RUN_BYTES_MAX = 1024 * 1024;

/** In seconds; 0 if nothing was found. */
export async function lastFragmentsEnd(bytes: Bytes, tracks: readonly IsoTrack[]): Promise<number> {
  const ends = new Map<number, number>();
  let seen = 0;
  for await (const name of occurrencesFromEnd(bytes, MOOF)) {
    const moof = await boxAround(bytes, name);
    if (!moof) continue;
    // Bytes that only look like a fragment are skipped.
    const fragment = await readFragment(bytes, moof, tracks).catch(() => []);
    for (const { id, seconds } of fragment) ends.set(id, Math.max(seconds, ends.get(id) ?? 0));
    if (ends.size === tracks.length || ++seen === FRAGMENTS_MAX) break;
  }
  return Math.max(0, ...ends.values());
}

async function boxAround(bytes: Bytes, name: number): Promise<Box | null> {
  if (name < 4) return null;
  const size = (await viewOf(bytes, name - 4, 4)).getUint32(0);
  const end = name - 4 + size;
  return size >= 8 && end <= bytes.size ? { type: "moof", start: name + 4, end } : null;
}

async function readFragment(bytes: Bytes, moof: Box, tracks: readonly IsoTrack[]) {
  const ends: { id: number; seconds: number }[] = [];
  for (const traf of await childrenOf(bytes, moof)) {
    if (traf.type !== "traf") continue;
    const end = await readTrackFragment(bytes, traf, tracks);
    if (end) ends.push(end);
  }
  return ends;
}

/** Null without a start time (tfdt), or if its track is not in the movie. */
async function readTrackFragment(bytes: Bytes, traf: Box, tracks: readonly IsoTrack[]) {
  let track: IsoTrack | undefined;
  let start: number | null = null;
  let sampleDuration = 0;
  let units = 0;
  for (const box of await childrenOf(bytes, traf)) {
    if (box.type === "tfhd") {
      const tfhd = await contentOf(bytes, box);
      const flags = tfhd.getUint32(0) & 0xff_ffff;
      track = tracks.find(({ id }) => id === tfhd.getUint32(4));
      const at = 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
      sampleDuration = flags & 8 ? tfhd.getUint32(at) : track?.sampleDuration ?? 0;
    } else if (box.type === "tfdt") {
      const tfdt = await contentOf(bytes, box);
      start = timeAt(tfdt, 4, tfdt.getUint8(0));
    } else if (box.type === "trun") {
      units += unitsOfRun(await contentOf(bytes, box, RUN_BYTES_MAX), sampleDuration);
    }
  }
  if (!track || track.timescale === 0 || start === null) return null;
  return { id: track.id, seconds: (start + units) / track.timescale };
}

function unitsOfRun(trun: DataView, sampleDuration: number): number {
  const flags = trun.getUint32(0) & 0xff_ffff;
  const count = trun.getUint32(4);
  if (!(flags & 0x100)) return count * sampleDuration;

  const first = 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  const step = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
  let units = 0;
  for (let at = first; at + step <= trun.byteLength; at += step) units += trun.getUint32(at);
  return units;
}
