// WebSockets that no library would open: handshakes with any content, and frames with any defect. Such a
// socket may go on or end; the service and all other sockets go on.

import fc from "fast-check";
import { equal, ok } from "./assert.ts";
import { nextNumber } from "./fuzz_cast.ts";
import { fuzz, type Judgement, withTarget } from "./fuzz_run.ts";
import { mutated, mutations, oddText } from "./fuzz_values.ts";
import { latin1, openHttp } from "./http_connection.ts";
import { befriend, send, signUp } from "./service_client.ts";
import { openSocket } from "./socket.ts";
import { eventually } from "./support.ts";
import { joined } from "./upload_calls.ts";

interface OddFrame {
  isFinal: boolean;
  reserved: number;
  opcode: number;
  isMasked: boolean;
  payload: Uint8Array;
  /** The length in the header if it is not the real one. */
  length: bigint | null;
  /** In how many bits it is written, even if it needs fewer. */
  width: 7 | 16 | 64;
}

type Input =
  | {
    is: "handshake";
    headers: [string, string][];
    query: string;
    changes: Parameters<typeof mutated>[1] | null;
  }
  | { is: "frames"; frames: OddFrame[]; changes: Parameters<typeof mutated>[1] | null };

const LENGTHS = [
  0n,
  125n,
  126n,
  127n,
  4_096n,
  65_536n,
  2n ** 26n,
  2n ** 26n + 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const BAD_UTF8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80]];
/** Codes that may not be sent, and those that mean something here (RFC 6455, section 7.4). */
const CLOSE_CODES = [0, 999, 1000, 1004, 1005, 1006, 1015, 2999, 3000, 4001, 5000, 65_535];

const payload = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 2, arbitrary: fc.constantFrom(...BAD_UTF8).map((bytes) => Uint8Array.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(125, 126, 4_096, 4_097, 70_000).map((length) => new Uint8Array(length)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...CLOSE_CODES), fc.uint8Array({ maxLength: 130 }))
      .map(([code, reason]) => Uint8Array.from([code >> 8, code & 255, ...reason])),
  },
);

const frame: fc.Arbitrary<OddFrame> = fc.record({
  isFinal: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, {
    weight: 1,
    arbitrary: fc.constant(false),
  }),
  reserved: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 7 }),
  }),
  opcode: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(0, 1, 2, 8, 9, 10) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 15 }) },
  ),
  isMasked: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, {
    weight: 1,
    arbitrary: fc.constant(false),
  }),
  payload,
  length: fc.option(fc.constantFrom(...LENGTHS), { freq: 4 }),
  width: fc.constantFrom<OddFrame["width"][]>(7, 7, 7, 16, 64),
});

const HANDSHAKE = [
  "upgrade",
  "connection",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "origin",
  "authorization",
];

const inputs: fc.Arbitrary<Input> = fc.oneof(
  fc.record({
    is: fc.constant("handshake" as const),
    headers: fc.array(
      fc.tuple(
        fc.constantFrom(...HANDSHAKE),
        fc.oneof(
          oddText,
          fc.constantFrom(
            "websocket",
            "Upgrade",
            "13",
            "8",
            "bearer",
            "bearer, x",
            "permessage-deflate",
            "Bearer x",
          ),
        ),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    query: fc.oneof(fc.constant("mine"), oddText),
    changes: fc.option(mutations, { freq: 3 }),
  }),
  fc.record({
    is: fc.constant("frames" as const),
    frames: fc.array(frame, { minLength: 1, maxLength: 6 }),
    changes: fc.option(mutations, { freq: 4 }),
  }),
);

function bytesOf({ isFinal, reserved, opcode, isMasked, payload, length, width }: OddFrame): Uint8Array {
  const told = length ?? BigInt(payload.length);
  const needed = told < 126n ? 7 : told < 65_536n ? 16 : 64;
  const used = Math.max(width, needed);
  const head = new DataView(new ArrayBuffer(used === 7 ? 2 : used === 16 ? 4 : 10));
  head.setUint8(0, (isFinal ? 128 : 0) | reserved << 4 | opcode);
  head.setUint8(1, (isMasked ? 128 : 0) | (used === 7 ? Number(told) : used === 16 ? 126 : 127));
  if (used === 16) head.setUint16(2, Number(told));
  if (used === 64) head.setBigUint64(2, told);
  const mask = Uint8Array.from([1, 2, 3, 4]);
  const masked = isMasked ? payload.map((byte, place) => byte ^ mask[place % 4]!) : payload;
  return joined(new Uint8Array(head.buffer), isMasked ? mask : "", masked);
}

/** A ping, which a working socket answers with the same four bytes. */
const PING = bytesOf({
  isFinal: true,
  reserved: 0,
  opcode: 9,
  isMasked: true,
  payload: Uint8Array.from([112, 117, 102, 102]),
  length: null,
  width: 7,
});
const PONG = latin1(Uint8Array.from([0x8a, 4, 112, 117, 102, 102]));

function handshake(host: string, token: string, headers: [string, string][]): Uint8Array<ArrayBuffer> {
  const all = new Map([
    ["host", host],
    ["upgrade", "websocket"],
    ["connection", "Upgrade"],
    ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["sec-websocket-version", "13"],
    ...headers,
  ]);
  const lines = [...all].map(([name, value]) =>
    `${name}: ${value.replaceAll(/\p{Cc}/gu, "").toWellFormed()}\r\n`
  );
  return joined(
    `GET /api/notifications?token=${encodeURIComponent(token.toWellFormed())} HTTP/1.1\r\n${
      lines.join("")
    }\r\n`,
  );
}

async function shake(
  url: string,
  token: string,
  { headers, query, changes }: Input & { is: "handshake" },
): Promise<Judgement> {
  const right = handshake(new URL(url).host, query === "mine" ? token : query, headers);
  const connection = openHttp(url);
  const answer = await connection.ask(changes ? mutated(right, changes) : right, {
    msMax: changes ? 150 : 10_000,
  });
  ok(answer || changes, "There was no answer");
  connection.close();
  if (answer) ok(answer.status < 500, `${answer.status} ${latin1(answer.body)}`);
  return answer?.status === 101 ? "taken" : "refused";
}

/** Opens a socket, sends the frames and a ping, and reads until the pong or the end, for at most 250 ms. */
async function talk(
  url: string,
  token: string,
  { frames, changes }: Input & { is: "frames" },
): Promise<Judgement> {
  const { hostname, port, host } = new URL(url);
  const conn = await Deno.connect({ hostname, port: Number(port) });
  const bytes = joined(...frames.map(bytesOf));
  const timer = setTimeout(() => conn.close(), 250);
  let heard = "";
  try {
    const all = joined(handshake(host, token, []), changes ? mutated(bytes, changes) : bytes, PING);
    for (let sent = 0; sent < all.length;) sent += await conn.write(all.subarray(sent));
    const buffer = new Uint8Array(4_096);
    while (!heard.includes(PONG)) {
      const length = await conn.read(buffer);
      if (length === null) break;
      heard += latin1(buffer.subarray(0, length));
    }
  } catch { /* ended, or the time is up */ }
  clearTimeout(timer);
  try {
    conn.close();
  } catch { /* the time was up */ }
  ok(heard === "" || heard.startsWith("HTTP/1.1 101"), heard);
  return heard.includes(PONG) ? "taken" : "refused";
}

Deno.test("no handshake and no frame harms the service, or a well-behaved socket", () =>
  withTarget(async (target) => {
    const { url } = target.service;
    const [ann, bob] = [await signUp(url, nextNumber()), await signUp(url, nextNumber())];
    await befriend(url, ann, bob);
    const socket = await openSocket(`${url.replace("http", "ws")}/api/notifications?token=${bob.token}`);
    await fuzz(target, {
      what: "sockets",
      share: 0.25,
      inputs,
      client: async () => {
        const { token } = await signUp(url, nextNumber());
        return {
          send: (input) => input.is === "handshake" ? shake(url, token, input) : talk(url, token, input),
          spell: (input) =>
            JSON.stringify(input, (_, value) => typeof value === "bigint" ? `${value}` : value),
          close: () => {},
        };
      },
    });
    socket.forget();
    equal((await send(url, ann, bob, "Still there?")).status, 200);
    await eventually(() => ok(socket.told().includes(`messages_updated ${ann.phone}`)));
    await socket.end();
  }));
