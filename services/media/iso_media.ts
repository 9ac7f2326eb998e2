// MP4, QuickTime, 3GP and 3G2 (ISO 14496-12): tracks are described in the moov box, wherever that is.

import type { Bytes } from "./bytes.ts";
import { type Box, childOf, childrenOf, contentOf, listBoxes, nameAt, timeAt } from "./iso_boxes.ts";
import { lastFragmentsEnd } from "./iso_fragments.ts";
import type { Tracks } from "./tracks.ts";

/** An audio or video track. */
export interface IsoTrack {
  id: number;
  handler: string;
  /** Units per second. */
  timescale: number;
  /** In seconds; 0 if the header does not have it. */
  seconds: number;
  /** Default length of a sample in a fragment, in units. */
  sampleDuration: number;
}

interface Movie {
  tracks: IsoTrack[];
  /** In seconds; 0 if the header does not have it. */
  seconds: number;
  isFragmented: boolean;
}

const SOUND = ["soun", "audi"];
const PICTURE = ["vide"];

export async function readIsoMedia(bytes: Bytes): Promise<Tracks | null> {
  for await (const box of listBoxes(bytes, 0, bytes.size)) {
    if (box.type !== "moov") continue;
    if (box.end > bytes.size) return null;
    const movie = await readMovie(bytes, box);
    return {
      audio: movie.tracks.some((track) => SOUND.includes(track.handler)),
      video: movie.tracks.some((track) => PICTURE.includes(track.handler)),
      duration: () => durationOf(bytes, movie),
    };
  }
  return null;
}

/** A recorder writes the header before it knows the duration, and sets it to 0 or leaves it out. */
async function durationOf(bytes: Bytes, movie: Movie): Promise<number> {
  const header = movie.seconds || Math.max(0, ...movie.tracks.map((track) => track.seconds));
  return movie.isFragmented ? Math.max(header, await lastFragmentsEnd(bytes, movie.tracks)) : header;
}

async function readMovie(bytes: Bytes, moov: Box): Promise<Movie> {
  const movie: Movie = { tracks: [], seconds: 0, isFragmented: false };
  const children = await childrenOf(bytes, moov);
  for (const child of children) {
    if (child.type === "mvhd") movie.seconds = (await readTimes(bytes, child)).seconds;
    if (child.type === "trak") {
      const track = await readTrack(bytes, child);
      if (track) movie.tracks.push(track);
    }
  }
  for (const child of children) {
    if (child.type !== "mvex") continue;
    movie.isFragmented = true;
    await readFragmentDefaults(bytes, child, movie.tracks);
  }
  return movie;
}

/** Null for other tracks, such as subtitles. */
async function readTrack(bytes: Bytes, trak: Box): Promise<IsoTrack | null> {
  const head = await childOf(bytes, trak, "tkhd");
  const media = await childOf(bytes, trak, "mdia");
  const times = media && await childOf(bytes, media, "mdhd");
  const type = media && await childOf(bytes, media, "hdlr");
  if (!head || !times || !type) return null;

  const handler = nameAt(await contentOf(bytes, type), 8);
  if (!SOUND.includes(handler) && !PICTURE.includes(handler)) return null;

  const tkhd = await contentOf(bytes, head);
  const id = tkhd.getUint32(tkhd.getUint8(0) === 1 ? 20 : 12);
  return { id, handler, sampleDuration: 0, ...await readTimes(bytes, times) };
}

/** Reads mvhd and mdhd, which begin with the same fields. */
async function readTimes(bytes: Bytes, box: Box): Promise<{ timescale: number; seconds: number }> {
  const view = await contentOf(bytes, box);
  const version = view.getUint8(0);
  const at = version === 1 ? 20 : 12;
  const timescale = view.getUint32(at);
  return { timescale, seconds: timescale > 0 ? timeAt(view, at + 4, version) / timescale : 0 };
}

async function readFragmentDefaults(bytes: Bytes, mvex: Box, tracks: IsoTrack[]): Promise<void> {
  for (const child of await childrenOf(bytes, mvex)) {
    if (child.type !== "trex") continue;
    const trex = await contentOf(bytes, child);
    const track = tracks.find(({ id }) => id === trex.getUint32(4));
    if (track) track.sampleDuration = trex.getUint32(12);
  }
}
