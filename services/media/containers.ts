// The allow-list of containers, and the media types they are served as.

import { fileTypeFromTokenizer } from "file-type";

import type { Bytes } from "./bytes.ts";
import { BytesTokenizer } from "./tokenizer.ts";

export type Container =
  | "wav"
  | "mpeg"
  | "adts"
  | "flac"
  | "amr"
  | "amr_wb"
  | "ogg"
  | "webm"
  | "matroska"
  | "mp4"
  | "quicktime"
  | "3gpp"
  | "3gpp2";

/**
 * Types as named by file-type, which cannot tell audio from video: its "audio/" and "video/" mean nothing
 * here.
 */
const CONTAINER: Readonly<Record<string, Container>> = {
  "audio/wav": "wav",
  "audio/mpeg": "mpeg",
  "audio/aac": "adts",
  "audio/flac": "flac",
  "audio/amr": "amr",
  "audio/ogg": "ogg",
  "video/ogg": "ogg",
  "application/ogg": "ogg",
  "video/webm": "webm",
  "video/matroska": "matroska",
  "video/mp4": "mp4",
  "audio/mp4": "mp4",
  "audio/x-m4a": "mp4",
  "video/x-m4v": "mp4",
  "video/quicktime": "quicktime",
  "video/3gpp": "3gpp",
  "video/3gpp2": "3gpp2",
};

/** The media types served; null if the container is not served with video. */
export const SERVED: Readonly<Record<Container, { audio: string; video: string | null }>> = {
  wav: { audio: "audio/wav", video: null },
  mpeg: { audio: "audio/mpeg", video: null },
  adts: { audio: "audio/aac", video: null },
  flac: { audio: "audio/flac", video: null },
  amr: { audio: "audio/amr", video: null },
  amr_wb: { audio: "audio/amr-wb", video: null },
  ogg: { audio: "audio/ogg", video: "video/ogg" },
  webm: { audio: "audio/webm", video: "video/webm" },
  matroska: { audio: "audio/matroska", video: "video/matroska" }, // RFC 9559 section 27.3
  mp4: { audio: "audio/mp4", video: "video/mp4" },
  quicktime: { audio: "audio/mp4", video: "video/quicktime" }, // there is no registered audio/quicktime
  "3gpp": { audio: "audio/3gpp", video: "video/3gpp" }, // RFC 3839
  "3gpp2": { audio: "audio/3gpp2", video: "video/3gpp2" }, // RFC 4393
};

const AMR_WB_MAGIC = "#!AMR-WB\n";

/** Null if the container is not served. @throws errors of file-type, and as `Bytes.read` */
export async function findContainer(bytes: Bytes): Promise<Container | null> {
  const type = await fileTypeFromTokenizer(new BytesTokenizer(bytes));
  const container = CONTAINER[type?.mime.split(";")[0] ?? ""] ?? null;
  if (container !== "amr") return container;

  const magic = await bytes.read(0, Math.min(AMR_WB_MAGIC.length, bytes.size));
  return new TextDecoder("latin1").decode(magic) === AMR_WB_MAGIC ? "amr_wb" : "amr";
}
