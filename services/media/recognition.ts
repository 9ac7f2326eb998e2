// Recognises an upload by its bytes alone; its name and the type that the sender declares do not count.
//
// Any input ends within a bounded number of reads and steps, and takes a few pages of memory. The result
// depends only on the bytes; if a slow source hits the time limit, only the duration is lost.

import type { MediaKind } from "../../db/media/media.ts";
import { type Budget, type Bytes, type ByteSource, openBytes } from "./bytes.ts";
import { type Container, findContainer, SERVED } from "./containers.ts";
import { readAdts, readAmr, readAmrWideband, readMpegAudio } from "./frames.ts";
import { readIsoMedia } from "./iso_media.ts";
import { readMatroska } from "./matroska.ts";
import { readOgg } from "./ogg.ts";
import { readFlac } from "./streams.ts";
import type { Tracks } from "./tracks.ts";
import { readWav } from "./wav.ts";

export type { ByteSource } from "./bytes.ts";

export interface Recognised {
  kind: MediaKind;
  /** The MIME type to serve it as, without parameters. */
  media_type: string;
  /** Seconds, to the millisecond. Null if the file does not say or it would take too long to find out. */
  duration: number | null;
}

/** The budgets for finding the tracks, and then the duration. */
export interface Budgets {
  tracks: Budget;
  duration: Budget;
}

const BUDGETS: Budgets = {
  tracks: { readsMax: 64, stepsMax: 50_000, timeMaxMs: Infinity },
  // Enough to read 128 MB once.
  duration: { readsMax: 1024, stepsMax: 200_000, timeMaxMs: 5000 },
};

/** A longer duration means a wrong header. */
const DURATION_MAX_SECONDS = 30 * 24 * 60 * 60;

const READERS: Record<Container, (bytes: Bytes) => Promise<Tracks | null>> = {
  wav: readWav,
  mpeg: readMpegAudio,
  adts: readAdts,
  flac: readFlac,
  amr: readAmr,
  amr_wb: readAmrWideband,
  ogg: readOgg,
  webm: readMatroska,
  matroska: readMatroska,
  mp4: readIsoMedia,
  quicktime: readIsoMedia,
  "3gpp": readIsoMedia,
  "3gpp2": readIsoMedia,
};

/** Null unless it is audio or video in a format that is served. @throws only what `source.read` throws */
export async function recognise(source: ByteSource, budgets = BUDGETS): Promise<Recognised | null> {
  const bytes = openBytes(source, budgets.tracks);
  const found = await attempt(bytes, () => findTracks(bytes));
  if (!found) return null;

  const kind = found.tracks.video ? "video" : "audio";
  const mediaType = SERVED[found.container][kind];
  if (mediaType === null || !found.tracks[kind]) return null;

  bytes.begin(budgets.duration);
  const duration = await attempt(bytes, found.tracks.duration);
  return { kind, media_type: mediaType, duration: sane(duration) };
}

async function findTracks(bytes: Bytes): Promise<{ container: Container; tracks: Tracks } | null> {
  const container = await findContainer(bytes);
  const tracks = container && await READERS[container](bytes);
  return tracks && { container, tracks };
}

/** A parser's error on hostile bytes counts as "not recognised", unless the source itself failed. */
async function attempt<Result>(bytes: Bytes, look: () => Promise<Result>): Promise<Result | null> {
  const result = await look().catch(() => null);
  const failure = bytes.sourceFailure();
  if (failure) throw failure.error;
  return result;
}

function sane(seconds: number | null): number | null {
  if (seconds === null || !(seconds > 0 && seconds <= DURATION_MAX_SECONDS)) return null;
  // Never 0, which players take as unknown.
  return Math.max(1, Math.round(seconds * 1000)) / 1000;
}
