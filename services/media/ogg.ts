// Ogg (RFC 3533): interleaved pages of streams; the last page of a stream gives its position at the end.

import { type Bytes, occurrencesFromEnd, viewOf } from "./bytes.ts";
import { type OggCodec, recogniseCodec } from "./ogg_codecs.ts";
import type { Tracks } from "./tracks.ts";

interface Page {
  isFirst: boolean;
  /** The last sample that ends on this page, in units of the codec; -1 if none does. */
  granule: bigint;
  serial: number;
  /** Offset of its content. */
  start: number;
  end: number;
}

const CAPTURE_PATTERN = [0x4f, 0x67, 0x67, 0x53];
const HEAD_BYTES = 27;
const STREAMS_MAX = 32;
const LAST_PAGES_MAX = 256;

export async function readOgg(bytes: Bytes): Promise<Tracks | null> {
  const streams = new Map<number, OggCodec>();
  let at = 0;
  // All streams begin before any continues (RFC 3533, section 4).
  for (let seen = 0; seen < STREAMS_MAX; seen++) {
    const page = await pageAt(bytes, at).catch(() => null);
    if (!page?.isFirst) break;
    const codec = recogniseCodec(await viewOf(bytes, page.start, page.end - page.start));
    if (codec) streams.set(page.serial, codec);
    at = page.end;
  }
  const codecs = [...streams.values()];
  return {
    audio: codecs.some(({ kind }) => kind === "audio"),
    video: codecs.some(({ kind }) => kind === "video"),
    duration: () => lastPagesEnd(bytes, streams),
  };
}

/** In seconds. */
async function lastPagesEnd(bytes: Bytes, streams: ReadonlyMap<number, OggCodec>): Promise<number> {
  const ends = new Map<number, number>();
  let seen = 0;
  for await (const at of occurrencesFromEnd(bytes, CAPTURE_PATTERN)) {
    const page = await pageAt(bytes, at).catch(() => null);
    const codec = page && streams.get(page.serial);
    if (codec && page.granule >= 0n && !ends.has(page.serial)) {
      ends.set(page.serial, codec.seconds(page.granule));
    }
    if (ends.size === streams.size || ++seen === LAST_PAGES_MAX) break;
  }
  return Math.max(0, ...ends.values());
}

/** Null if there is no page. @throws EndOfBytes if it is cut off */
async function pageAt(bytes: Bytes, at: number): Promise<Page | null> {
  const head = await viewOf(bytes, at, HEAD_BYTES);
  if (!CAPTURE_PATTERN.every((byte, index) => head.getUint8(index) === byte) || head.getUint8(4) !== 0) {
    return null;
  }

  const lengths = await bytes.read(at + HEAD_BYTES, head.getUint8(26));
  const start = at + HEAD_BYTES + lengths.length;
  const end = start + lengths.reduce((sum, length) => sum + length, 0);
  await bytes.read(end, 0);
  return {
    isFirst: (head.getUint8(5) & 2) !== 0,
    granule: head.getBigInt64(6, true),
    serial: head.getUint32(14, true),
    start,
    end,
  };
}
