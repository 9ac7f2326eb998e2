// FLAC: one audio stream, described at the start of the file.

import { type IFormat, parseFromTokenizer } from "music-metadata";

import type { Bytes } from "./bytes.ts";
import { skipId3 } from "./frames.ts";
import { BytesTokenizer } from "./tokenizer.ts";
import { sound, type Tracks } from "./tracks.ts";

/**
 * STREAMINFO comes first and is all that is needed. A hostile comment behind it would make the library
 * allocate hundreds of megabytes.
 */
const FLAC_HEAD_BYTES = "fLaC".length + 4 + 34;

export async function readFlac(bytes: Bytes): Promise<Tracks | null> {
  const start = await skipId3(bytes);
  return readStream(new BytesTokenizer(bytes, { start, size: FLAC_HEAD_BYTES, mimeType: "audio/flac" }));
}

async function readStream(tokenizer: BytesTokenizer): Promise<Tracks | null> {
  const format: Partial<IFormat> = {};
  await parseFromTokenizer(tokenizer, {
    skipPostHeaders: true,
    // The format read before a broken or endless tag still counts.
    observer: ({ tag }) => {
      if (tag.type === "format") Object.assign(format, { [tag.id]: tag.value });
    },
  }).catch(() => {});

  if (!format.sampleRate) return null;
  return sound(() => Promise.resolve(format.duration ?? null));
}
