// The codecs in Ogg streams, recognised by their first packet, and what their granule positions count.

export interface OggCodec {
  kind: "audio" | "video";
  seconds(granule: bigint): number;
}

interface Codec {
  magic: string;
  kind: "audio" | "video";
  read(packet: DataView): (granule: bigint) => number;
}

const CODECS: readonly Codec[] = [
  // RFC 7845, sections 4 and 5.1: always 48 kHz; the pre-skip samples are decoded but not played.
  { magic: "OpusHead", kind: "audio", read: (packet) => samples(48000, packet.getUint16(10, true)) },
  { magic: "\x01vorbis", kind: "audio", read: (packet) => samples(packet.getUint32(12, true)) },
  // https://xiph.org/flac/ogg_mapping.html: the rate is 20 bits of STREAMINFO
  { magic: "\x7fFLAC", kind: "audio", read: (packet) => samples(packet.getUint32(27) >>> 12) },
  { magic: "Speex   ", kind: "audio", read: (packet) => samples(packet.getUint32(36, true)) },
  { magic: "\x80theora", kind: "video", read: theoraFrames },
];

/** Null for a stream that is neither audio nor video, or unknown. @throws RangeError if it is cut off */
export function recogniseCodec(packet: DataView): OggCodec | null {
  const text = String.fromCharCode(
    ...new Uint8Array(packet.buffer, packet.byteOffset, Math.min(8, packet.byteLength)),
  );
  const codec = CODECS.find(({ magic }) => text.startsWith(magic));
  return codec ? { kind: codec.kind, seconds: codec.read(packet) } : null;
}

function samples(rate: number, skipped = 0) {
  return (granule: bigint) => (Number(granule) - skipped) / rate;
}

/** Theora specification, section 6.2 and appendix A.2.3: the last key frame, and the frames since. */
function theoraFrames(packet: DataView) {
  const framesPerSecond = packet.getUint32(22) / packet.getUint32(26);
  const shift = BigInt((packet.getUint8(40) & 3) << 3 | packet.getUint8(41) >> 5);
  return (granule: bigint) => {
    const keyFrame = granule >> shift;
    return Number(keyFrame + granule - (keyFrame << shift)) / framesPerSecond;
  };
}
