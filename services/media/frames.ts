// Audio without a container: a sequence of frames, each with its own length. The duration is their sum.

import type { Bytes } from "./bytes.ts";
import { ADTS, AMR, AMR_WIDEBAND, type FrameFormat, MPEG_AUDIO } from "./frame_formats.ts";
import { sound, type Tracks } from "./tracks.ts";

/**
 * Frames required in a row at the start, so that other files are not taken for audio by their first two
 * bytes.
 */
const FRAMES_TO_BELIEVE = 3;
const CHUNK_BYTES = 64 * 1024;
const ID3_HEADER_BYTES = 10;

export const readMpegAudio = async (bytes: Bytes) => readFrames(bytes, MPEG_AUDIO, await skipId3(bytes));
export const readAdts = async (bytes: Bytes) => readFrames(bytes, ADTS, await skipId3(bytes));
export const readAmr = (bytes: Bytes) => readFrames(bytes, AMR, "#!AMR\n".length);
export const readAmrWideband = (bytes: Bytes) => readFrames(bytes, AMR_WIDEBAND, "#!AMR-WB\n".length);

/** Offset behind the ID3v2 tags at the start of the file (ID3v2.4, section 3.1). */
export async function skipId3(bytes: Bytes): Promise<number> {
  let at = 0;
  while (at + ID3_HEADER_BYTES <= bytes.size) {
    const [i, d, three, , , flags, a, b, c, e] = await bytes.read(at, ID3_HEADER_BYTES);
    if (i !== 0x49 || d !== 0x44 || three !== 0x33) break;
    const hasFooter = (flags! & 0x10) !== 0;
    at += ID3_HEADER_BYTES + (a! << 21 | b! << 14 | c! << 7 | e!) + (hasFooter ? ID3_HEADER_BYTES : 0);
  }
  return at;
}

async function readFrames(bytes: Bytes, format: FrameFormat, start: number): Promise<Tracks | null> {
  let at = start;
  for (let seen = 0; seen < FRAMES_TO_BELIEVE && at < bytes.size; seen++) {
    const header = await bytes.read(at, Math.min(format.headerBytes, bytes.size - at));
    const frame = header.length === format.headerBytes ? format.parse(header, 0) : null;
    const isCut = !frame || at + frame.bytes > bytes.size;
    if (seen === 0 && isCut) return null;
    if (!frame && header.length === format.headerBytes) return null;
    at += frame?.bytes ?? header.length;
  }
  return at > start ? sound(() => sumFrames(bytes, format, start)) : null;
}

/** In seconds. Skips damage and tags between frames if the format allows finding the next frame. */
async function sumFrames(bytes: Bytes, format: FrameFormat, start: number): Promise<number> {
  let seconds = 0;
  let at = start;
  let inStep = true;
  while (at < bytes.size) {
    const chunk = await bytes.read(at, Math.min(CHUNK_BYTES, bytes.size - at));
    const isLast = at + chunk.length === bytes.size;
    // A frame that starts behind this limit is examined in the next chunk, together with its successor.
    const line = isLast ? chunk.length : chunk.length - format.frameBytesMax - format.headerBytes;
    let offset = 0;
    while (offset < line) {
      const frame = parseAt(chunk, offset, format);
      const isFrame = frame && (inStep || isFollowed(chunk, offset + frame.bytes, format));
      if (isFrame && offset + frame.bytes <= chunk.length) {
        if (!frame.isSilentHeader) seconds += frame.seconds;
        offset += frame.bytes;
        inStep = true;
      } else if (!format.canFindNext) {
        return seconds;
      } else {
        inStep = false;
        const next = chunk.indexOf(0xff, offset + 1);
        offset = next === -1 ? chunk.length : next;
      }
    }
    at += offset;
  }
  return seconds;
}

function parseAt(chunk: Uint8Array, offset: number, format: FrameFormat) {
  return offset + format.headerBytes <= chunk.length ? format.parse(chunk, offset) : null;
}

function isFollowed(chunk: Uint8Array, offset: number, format: FrameFormat): boolean {
  return offset === chunk.length || parseAt(chunk, offset, format) !== null;
}
