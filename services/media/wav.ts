// WAV (RIFF, Microsoft and IBM 1991): a sequence of chunks; one describes the format, one is the sound.
//
// Read by our own code: the library also reads tags, and compares each value of a tag with all the others.

import { type Bytes, viewOf } from "./bytes.ts";
import { nameAt } from "./iso_boxes.ts";
import { sound, type Tracks } from "./tracks.ts";

interface Chunk {
  name: string;
  /** Offset of its content. */
  start: number;
  /** May reach beyond the end of the file, if that is cut off or was written before its end was known. */
  size: number;
}

const RIFF_HEAD_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;

export async function readWav(bytes: Bytes): Promise<Tracks | null> {
  let format: { samplesPerSecond: number; bytesPerSample: number } | null = null;
  let samples: number | null = null;
  for await (const { name, start, size } of listChunks(bytes)) {
    if (name === "fmt ") {
      const view = await viewOf(bytes, start, 16);
      format = { samplesPerSecond: view.getUint32(4, true), bytesPerSample: view.getUint16(12, true) };
    }
    if (name === "fact" && size >= 4) samples = (await viewOf(bytes, start, 4)).getUint32(0, true);
    if (name !== "data" || !format) continue;
    samples ??= Math.min(size, bytes.size - start) / format.bytesPerSample;
    break;
  }
  if (!format || format.samplesPerSecond === 0) return null;
  const { samplesPerSecond } = format;
  return sound(() => Promise.resolve(samples === null ? null : samples / samplesPerSecond));
}

/** Chunks that begin before the end of the file. */
async function* listChunks(bytes: Bytes): AsyncGenerator<Chunk> {
  for (let at = RIFF_HEAD_BYTES; at + CHUNK_HEAD_BYTES <= bytes.size;) {
    const head = await viewOf(bytes, at, CHUNK_HEAD_BYTES);
    const size = head.getUint32(4, true);
    const start = at + CHUNK_HEAD_BYTES;
    yield { name: nameAt(head, 0), start, size };
    // A chunk of odd size is padded by a byte.
    at = start + size + size % 2;
  }
}
