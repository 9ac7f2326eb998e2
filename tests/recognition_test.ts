import fc from "fast-check";
import { setImmediate } from "node:timers";
import { deepEqual, equal, ok, rejects } from "./assert.ts";

import { type ByteSource, recognise, type Recognised } from "../services/media/recognition.ts";

const FOLDER = new URL("fixtures/media/", import.meta.url);
const MIB = 1024 * 1024;

/** Each plays for 2 seconds, apart from what its encoder adds. */
const SERVED: Record<string, string> = {
  "voice.wav": "audio/wav",
  "voice.mp3": "audio/mpeg",
  "no_xing.mp3": "audio/mpeg",
  "voice.aac": "audio/aac",
  "voice.m4a": "audio/mp4",
  "voice.mov": "audio/mp4",
  "recorded_voice.mp4": "audio/mp4",
  "opus.ogg": "audio/ogg",
  "vorbis.ogg": "audio/ogg",
  "flac.ogg": "audio/ogg",
  "film.ogv": "video/ogg",
  "voice.flac": "audio/flac",
  "voice.webm": "audio/webm",
  "recorded_voice.webm": "audio/webm",
  "recorded_film.webm": "video/webm",
  "vp8.webm": "video/webm",
  "vp9.webm": "video/webm",
  "film.mkv": "video/matroska",
  "film.mp4": "video/mp4",
  "faststart.mp4": "video/mp4",
  "fragmented.mp4": "video/mp4",
  "film.mov": "video/quicktime",
  "film.3gp": "video/3gpp",
  "mpeg4.3gp": "video/3gpp",
  "aac.3gp": "audio/3gpp",
  "amr.3gp": "audio/3gpp",
  "silence.amr": "audio/amr",
  "silence_wideband.amr": "audio/amr-wb",
};

const fixtures = new Map<string, Uint8Array>();
for (const name of Object.keys(SERVED)) fixtures.set(name, await Deno.readFile(new URL(name, FOLDER)));

const fixture = (name: string) => fixtures.get(name)!;
/** Offset of the data chunk in the fixture, including its head. */
const WAV_DATA_AT = 70;
/** Size of the `ftyp` box of film.mp4. */
const FTYP_BYTES = 32;
const text = (value: string) => new TextEncoder().encode(value);
const HTML = text("<!doctype html><html><body><script>alert(1)</script></body></html>");

/** Bytes that repeat the pattern, and are not held in memory. */
interface Invented {
  length: number;
  pattern: Uint8Array;
}

function invented(length: number, pattern: Uint8Array = new Uint8Array(1)): Invented {
  return { length, pattern };
}

/** A source of these parts in sequence; counts its reads. */
function sourceOf(...parts: (Uint8Array | Invented)[]): ByteSource & { reads: number } {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return {
    size,
    reads: 0,
    read(offset, length) {
      this.reads++;
      ok(length <= 256 * 1024 && offset + length <= size);
      const bytes = new Uint8Array(length);
      let start = 0;
      for (const part of parts) {
        const from = Math.max(start, offset);
        const to = Math.min(start + part.length, offset + length);
        if (from < to) bytes.set(slice(part, from - start, to - start), from - offset);
        start += part.length;
      }
      return Promise.resolve(bytes);
    },
  };
}

function slice(part: Uint8Array | Invented, from: number, to: number): Uint8Array {
  if (part instanceof Uint8Array) return part.subarray(from, to);
  const { pattern } = part;
  if (pattern.length === 1) return new Uint8Array(to - from).fill(pattern[0]!);
  return Uint8Array.from({ length: to - from }, (_, index) => pattern[(from + index) % pattern.length]!);
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function box(type: string, size: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(8));
  head.setUint32(0, size);
  text(type).forEach((byte, index) => head.setUint8(4 + index, byte));
  return new Uint8Array(head.buffer);
}

function chunk(name: string, content: Uint8Array): Uint8Array {
  const size = new DataView(new ArrayBuffer(4));
  size.setUint32(0, content.length, true);
  return concat(text(name), new Uint8Array(size.buffer), content, new Uint8Array(content.length % 2));
}

/** A WAV with a tag in which one frame has this many values. */
function taggedWav(values: number): Uint8Array {
  const words = text(`\0${Array.from({ length: values }, (_, nth) => nth.toString(36)).join("\0")}`);
  const sized = (size: number) => Uint8Array.of(...[21, 14, 7, 0].map((bits) => size >> bits & 127));
  const frame = concat(text("TCOM"), sized(words.length), new Uint8Array(2), words);
  const tag = chunk("id3 ", concat(text("ID3\x04\0\0"), sized(frame.length), frame));
  const voice = fixture("voice.wav");
  return concat(voice.subarray(0, WAV_DATA_AT), tag, voice.subarray(WAV_DATA_AT));
}

/** The head of an EBML element; its size takes 8 bytes. */
function element(id: number[], size: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(8));
  head.setBigUint64(0, BigInt(size) | 1n << 56n);
  return concat(Uint8Array.from(id), new Uint8Array(head.buffer));
}

function lastIndexOf(bytes: Uint8Array, pattern: number[]): number {
  for (let at = bytes.length - pattern.length; at >= 0; at--) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  throw new Error("Cannot find pattern");
}

/** A recording whose last cluster comes after 64 MiB of filler, in place of other clusters. */
function longRecording() {
  const recorded = fixture("recorded_film.webm");
  const at = lastIndexOf(recorded, [0x1f, 0x43, 0xb6, 0x75]);
  return sourceOf(
    recorded.subarray(0, at),
    element([0xec], 64 * MIB),
    invented(64 * MIB),
    recorded.subarray(at),
  );
}

/** A film with 64 MiB of filler between its beginning and its tracks. */
function longFilm() {
  const film = fixture("film.mp4");
  const ftypBytes = new DataView(film.buffer, film.byteOffset).getUint32(0);
  const free = box("free", 8 + 64 * MIB);
  return sourceOf(film.subarray(0, ftypBytes), free, invented(64 * MIB), film.subarray(ftypBytes));
}

function isServed(found: Recognised | null): boolean {
  return found === null || (Object.values(SERVED).includes(found.media_type) &&
    found.media_type.startsWith(`${found.kind}/`) &&
    (found.duration === null || found.duration > 0 && Number.isFinite(found.duration)));
}

for (const [name, mediaType] of Object.entries(SERVED)) {
  Deno.test(`recognise() finds ${mediaType} of 2 seconds in ${name}`, async () => {
    const found = await recognise(sourceOf(fixture(name)));

    equal(found?.media_type, mediaType);
    equal(found?.kind, mediaType.split("/")[0]);
    ok(Math.abs((found?.duration ?? 0) - 2) <= 0.1, `${found?.duration}`);
    equal(found?.duration, Math.round((found?.duration ?? 0) * 1000) / 1000);
  });
}

Deno.test("recognise() reads little of a long film with its tracks at the end", async () => {
  const source = longFilm();

  deepEqual(await recognise(source), { kind: "video", media_type: "video/mp4", duration: 2 });
  ok(source.reads <= 6, `${source.reads} reads`);
});

Deno.test("recognise() reads little of a long recording without a duration", async () => {
  const source = longRecording();
  const { duration, ...type } = (await recognise(source))!;

  deepEqual(type, { kind: "video", media_type: "video/webm" });
  ok(Math.abs(duration! - 2) <= 0.1);
  ok(source.reads <= 6, `${source.reads} reads`);
});

Deno.test("recognise() adds up the frames of 8 MiB of sound", async () => {
  const frame = fixture("silence.amr").subarray(6, 38);
  const source = sourceOf(text("#!AMR\n"), invented(8 * MIB, frame));

  equal((await recognise(source))?.duration, 8 * MIB / 32 * 0.02);
});

Deno.test("recognise() skips tags and damage between frames", async () => {
  const voice = fixture("no_xing.mp3");
  const parts = [voice, text("TAG"), new Uint8Array(125), text("ID3 \xff\xfb"), new Uint8Array(9000), voice];

  const once = (await recognise(sourceOf(voice)))!.duration!;
  const twice = (await recognise(sourceOf(...parts)))!.duration!;
  ok(Math.abs(twice - 2 * once) <= 0.002, `${twice}`);
});

const image = (brand: string) =>
  concat(box("ftyp", 24), text(brand), new Uint8Array(4), text(`mif1${brand}`));
const REFUSED: Record<string, Uint8Array> = {
  "an empty file": new Uint8Array(),
  "one byte": new Uint8Array(1),
  "a text": text("Hello Bob, are you there? ".repeat(100)),
  "a text in UTF-16": concat(Uint8Array.of(0xff, 0xfe), ...[..."Hello Bob"].map((one) => text(`${one}\0`))),
  "a web page": HTML,
  "an SVG image": text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
  "a PDF document": text("%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n%%EOF\n"),
  "a ZIP archive": concat(text("PK\x03\x04"), new Uint8Array(60)),
  "an animated GIF": await Deno.readFile(new URL("film.gif", FOLDER)),
  "a GIF that is also a page": concat(text("GIF89a/*"), HTML),
  "an animated WebP": concat(text("RIFF\x40\0\0\0WEBPVP8X"), new Uint8Array(60)),
  "an AVIF sequence with tracks": concat(image("avis"), fixture("film.mp4").subarray(FTYP_BYTES)),
  "a HEIC sequence with tracks": concat(image("hevc"), fixture("film.mp4").subarray(FTYP_BYTES)),
  "a PNG": Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xd, 0xa, 0x1a, 0xa, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52),
  "a film without tracks": concat(box("ftyp", 16), text("isom\0\0\0\0"), box("moov", 8)),
  "nothing behind AMR's name": text("#!AMR\n"),
  "nothing behind FLAC's name": text("fLaC"),
  "nothing behind WAV's name": text("RIFF\x24\0\0\0WAVE"),
  "nothing behind an ID3 tag": concat(text("ID3\x04\0\0\0\0\0"), HTML),
  "two bytes of an MP3": concat(Uint8Array.of(0xff, 0xfb, 0x90, 0x64), HTML, new Uint8Array(2000)),
  "two bytes of an AAC": concat(Uint8Array.of(0xff, 0xf1, 0x50, 0x80, 0x10), HTML, new Uint8Array(2000)),
};

for (const [what, bytes] of Object.entries(REFUSED)) {
  Deno.test(`recognise() refuses ${what}`, async () => equal(await recognise(sourceOf(bytes)), null));
}

Deno.test("recognise() takes an MP3 with a page in its tag for an MP3", async () => {
  const tag = concat(text("ID3\x04\0\0\0\0\0"), Uint8Array.of(HTML.length), HTML);
  const found = await recognise(sourceOf(tag, fixture("no_xing.mp3")));

  equal(found?.media_type, "audio/mpeg");
  ok(Math.abs(found.duration! - 2) <= 0.1);
});

Deno.test("recognise() takes a WAV with a page behind it for a WAV", async () => {
  deepEqual(await recognise(sourceOf(fixture("voice.wav"), HTML)), {
    kind: "audio",
    media_type: "audio/wav",
    duration: 2,
  });
});

Deno.test("recognise() finds the duration of a WAV with tags before its sound, an unfinished head or an empty fact chunk", async () => {
  const voice = fixture("voice.wav");
  const list = chunk("LIST", text("INFOISFT\x03\0\0\0abc"));
  const tagged = concat(voice.subarray(0, WAV_DATA_AT), list, voice.subarray(WAV_DATA_AT));
  const endless = voice.slice();
  endless.fill(0xff, WAV_DATA_AT + 4, WAV_DATA_AT + 8);
  const emptyFact = chunk("fact", new Uint8Array());
  const uncounted = concat(voice.subarray(0, WAV_DATA_AT), emptyFact, voice.subarray(WAV_DATA_AT));

  for (const bytes of [tagged, endless, uncounted]) equal((await recognise(sourceOf(bytes)))?.duration, 2);
});

Deno.test("recognise() refuses a film whose tracks were cut off, but not one whose pictures were", async () => {
  const cut = (name: string) => recognise(sourceOf(fixture(name).subarray(0, fixture(name).length / 2)));

  equal(await cut("film.mp4"), null);
  equal((await cut("faststart.mp4"))?.media_type, "video/mp4");
  equal((await cut("recorded_film.webm"))?.media_type, "video/webm");
});

Deno.test("recognise() finds about half of the duration in half a recording", async () => {
  for (const name of ["recorded_voice.webm", "opus.ogg", "voice.aac", "silence.amr", "recorded_voice.mp4"]) {
    const found = await recognise(sourceOf(fixture(name).subarray(0, fixture(name).length / 2)));
    ok(found && found.duration! > 0.4 && found.duration! < 1.4, `${name}: ${found?.duration}`);
  }
});

Deno.test("recognise() never throws, nor returns a type that is not on the list, whatever is changed or cut", async () => {
  const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) });
  const early = fc.record({ at: fc.double({ min: 0, max: 0.02, noNaN: true }), byte: fc.nat(255) });
  const mutant = fc.record({
    name: fc.constantFrom(...Object.keys(SERVED)),
    changes: fc.array(fc.oneof(change, early), { maxLength: 12 }),
    kept: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    behind: fc.constantFrom(new Uint8Array(), HTML),
  });
  await fc.assert(
    fc.asyncProperty(mutant, async ({ name, changes, kept, behind }) => {
      const bytes = fixture(name).slice(0, Math.ceil(fixture(name).length * kept));
      for (const { at, byte } of changes) bytes[Math.floor(at * bytes.length)] = byte;
      ok(isServed(await recognise(sourceOf(bytes, behind))));
    }),
    { numRuns: 1500, timeout: 2000 },
  );
});

Deno.test("recognise() refuses random bytes", async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 5000 });
  await fc.assert(fc.asyncProperty(bytes, async (random) => equal(await recognise(sourceOf(random)), null)));
});

const ftyp = fixture("film.mp4").subarray(0, FTYP_BYTES);
const oggPage = concat(text("OggS\0\x02"), new Uint8Array(20), Uint8Array.of(1, 8), text("OpusHead"));
const webmHead = fixture("recorded_film.webm").subarray(0, 200);
const HOSTILE: Record<string, ByteSource & { reads: number }> = {
  "empty boxes": sourceOf(ftyp, invented(64 * MIB, box("free", 8))),
  "boxes in boxes": sourceOf(ftyp, invented(64 * MIB, box("moov", 64 * MIB))),
  "tracks without end": sourceOf(ftyp, box("moov", 64 * MIB), invented(64 * MIB - 8, box("trak", 8))),
  "a track longer than the file": sourceOf(ftyp, box("moov", 1e6), box("trak", 4e9), invented(1e6)),
  "names of fragments": sourceOf(fixture("recorded_voice.mp4"), invented(64 * MIB, text("moof"))),
  "empty elements": sourceOf(webmHead, invented(64 * MIB, Uint8Array.of(0xec, 0x80))),
  "names of clusters": sourceOf(webmHead, invented(64 * MIB, Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, 0xff))),
  "first pages": sourceOf(invented(64 * MIB, oggPage)),
  "names of pages": sourceOf(fixture("opus.ogg"), invented(64 * MIB, text("OggS\0"))),
  "empty chunks": sourceOf(text("RIFF\x7f\x7f\x7f\x7fWAVE"), invented(64 * MIB, text("xxxx\0\0\0\0"))),
  "values of one tag": sourceOf(taggedWav(200_000)),
  "empty tags": sourceOf(invented(64 * MIB, text("ID3\x04\0\0\0\0\0\0"))),
  "tiny frames": sourceOf(text("#!AMR\n"), invented(200 * MIB, Uint8Array.of(0x7c))),
  "marks of frames": sourceOf(fixture("no_xing.mp3"), invented(64 * MIB, Uint8Array.of(0xff))),
};

for (const [what, source] of Object.entries(HOSTILE)) {
  Deno.test(`recognise() soon stops at ${what}`, async () => {
    const startedMs = performance.now();

    const found = await recognise(source);
    ok(isServed(found));
    ok(source.reads <= (found ? 64 + 1024 : 64), `${source.reads} reads`);
    ok(performance.now() - startedMs < 10_000);
  });
}

Deno.test("recognise() yields to the event loop, however much there is to examine in what it has read", async () => {
  const source = sourceOf(ftyp, invented(MIB, box("free", 8)));
  let [turns, isOver] = [0, false];
  const takeTurn = () => {
    turns += 1;
    if (!isOver) setImmediate(takeTurn);
  };
  takeTurn();

  await recognise(source);
  isOver = true;
  ok(turns >= 40, `${turns} turns`);
});

Deno.test("recognise() leaves out the duration of a slow source, never its type", async () => {
  const tracks = { readsMax: 64, stepsMax: 50_000, timeMaxMs: Infinity };
  const noTime = { readsMax: 1024, stepsMax: 200_000, timeMaxMs: -1 };

  const found = await recognise(longRecording(), { tracks, duration: noTime });
  deepEqual(found, { kind: "video", media_type: "video/webm", duration: null });
});

Deno.test("recognise() passes on an error of the source, at any read", async () => {
  for (const long of [longFilm, longRecording, () => sourceOf(fixture("voice.wav")), () => sourceOf(HTML)]) {
    const whole = long();
    await recognise(whole);
    for (let failing = 1; failing <= whole.reads; failing++) {
      const source = long();
      const read = source.read.bind(source);
      source.read = (offset, length) =>
        source.reads + 1 === failing
          ? Promise.reject(new TypeError("Connection lost"))
          : read(offset, length);
      await rejects(recognise(source), { message: "Connection lost" });
    }
  }
});

Deno.test("recognise() rejects when the source returns less than its size", async () => {
  const source: ByteSource = { size: 5000, read: () => Promise.resolve(new Uint8Array(10)) };

  await rejects(recognise(source), /got 10/);
});
