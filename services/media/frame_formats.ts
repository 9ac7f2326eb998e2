// Parses the headers of audio frames: the length of a frame in bytes and in seconds.

export interface Frame {
  bytes: number;
  seconds: number;
  /** Whether the frame describes the stream and contains no sound. */
  isSilentHeader?: boolean;
}

export interface FrameFormat {
  headerBytes: number;
  frameBytesMax: number;
  /** Whether a header can be recognised among other bytes. */
  canFindNext: boolean;
  /** Parses the `headerBytes` at `at`; null if they are no header. */
  parse(bytes: Uint8Array, at: number): Frame | null;
}

/**
 * Bit rates of ISO 11172-3 and 13818-3, by version (1, or 2 and 2.5) and layer. Indexes 0 (free) and 15 are
 * not used.
 */
const KILOBITS: Record<string, readonly number[]> = {
  "1/1": [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  "1/2": [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  "1/3": [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  "2/1": [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  "2/2": [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  "2/3": [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
const MPEG_RATES = [44100, 48000, 32000];
const XING_OFFSET_MAX = 40;

/** MPEG audio: layer 3 (MP3), 1 and 2. */
export const MPEG_AUDIO: FrameFormat = {
  headerBytes: 4,
  frameBytesMax: 4096,
  canFindNext: true,
  parse(bytes, at) {
    if (bytes[at] !== 0xff) return null;
    const b = bytes[at + 1]!;
    const c = bytes[at + 2]!;
    const version = (b >> 3) & 3; // 3: 1, 2: 2, 0: 2.5
    const layer = 4 - ((b >> 1) & 3);
    const rate = MPEG_RATES[(c >> 2) & 3];
    if ((b & 0xe0) !== 0xe0 || version === 1 || !rate) return null;
    const kilobits = KILOBITS[`${version === 3 ? 1 : 2}/${layer}`]?.[(c >> 4) - 1];
    if (!kilobits) return null;

    const hertz = rate >> (version === 3 ? 0 : version === 2 ? 1 : 2);
    const samples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152;
    const slot = layer === 1 ? 4 : 1;
    const length = (Math.floor(samples / 8 * kilobits * 1000 / hertz / slot) + ((c >> 1) & 1)) * slot;
    return { bytes: length, seconds: samples / hertz, isSilentHeader: hasXing(bytes, at, length) };
  },
};

/**
 * The first frame of most MP3 files is a table of contents, named Xing or Info, after the side information.
 */
function hasXing(bytes: Uint8Array, at: number, length: number): boolean {
  for (let offset = 13; offset <= Math.min(XING_OFFSET_MAX, length - 4); offset++) {
    if (bytes[at + offset] !== 0x58 && bytes[at + offset] !== 0x49) continue; // not X, not I
    const name = String.fromCharCode(...bytes.subarray(at + offset, at + offset + 4));
    if (name === "Xing" || name === "Info") return true;
  }
  return false;
}

const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/** AAC in ADTS, ISO 13818-7 section 6.2. */
export const ADTS: FrameFormat = {
  headerBytes: 7,
  frameBytesMax: 8191,
  canFindNext: true,
  parse(bytes, at) {
    const hertz = AAC_RATES[(bytes[at + 2]! >> 2) & 15];
    const length = (bytes[at + 3]! & 3) << 11 | bytes[at + 4]! << 3 | bytes[at + 5]! >> 5;
    if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0 || !hertz || length < 7) return null;
    const blocks = (bytes[at + 6]! & 3) + 1;
    return { bytes: length, seconds: 1024 * blocks / hertz };
  },
};

/** Bytes per frame with its header byte, by frame type (RFC 4867, section 5.3); 0 is not used. */
const AMR_BYTES = [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1];
const AMR_WIDEBAND_BYTES = [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1];

export const AMR = amr(AMR_BYTES);
export const AMR_WIDEBAND = amr(AMR_WIDEBAND_BYTES);

function amr(sizes: readonly number[]): FrameFormat {
  return {
    headerBytes: 1,
    frameBytesMax: Math.max(...sizes),
    canFindNext: false,
    parse(bytes, at) {
      const head = bytes[at]!;
      const length = sizes[(head >> 3) & 15]!;
      return (head & 0x83) === 0 && length > 0 ? { bytes: length, seconds: 0.02 } : null;
    },
  };
}
