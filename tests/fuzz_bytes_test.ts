// Valid requests that are damaged byte by byte: request line, headers, framing and body. What is no longer
// HTTP may be answered by the server below the service, or not at all; nothing may break.

import fc from "fast-check";
import { equal, ok } from "./assert.ts";
import { type Cast, createCast } from "./fuzz_cast.ts";
import { encode } from "./fuzz_encoding.ts";
import { type FuzzRequest, requestTo } from "./fuzz_requests.ts";
import { fuzz, withTarget } from "./fuzz_run.ts";
import { readSurfaces, type Surface } from "./fuzz_surface.ts";
import { mutated, mutations } from "./fuzz_values.ts";
import { fromLatin1, latin1, openHttp } from "./http_connection.ts";

/** Header lines that do not fit the request, most of them its framing. */
const FRAMINGS = [
  ...[
    "content-length: 5\r\ncontent-length: 6",
    "content-length: -1",
    "content-length: 1e3",
    "content-length: 99999999999999999999",
  ],
  ...[
    "content-length: +5",
    "content-length: 5, 5",
    "transfer-encoding: chunked\r\ncontent-length: 3",
    "transfer-encoding: gzip",
  ],
  ...[
    "transfer-encoding: chunked, chunked",
    "transfer-encoding : chunked",
    "transfer-encoding: xchunked",
    "expect: 100-continue",
  ],
  ...[
    "connection: close",
    "connection: upgrade\r\nupgrade: h2c",
    "connection: keep-alive, x",
    " folded: x",
    "x: a\r\n b",
    ": x",
  ],
  ...[
    "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  ],
];

interface Spoilt {
  request: FuzzRequest;
  changes: Parameters<typeof mutated>[1];
  /** Whether only the head is damaged, where most can go wrong. */
  inHead: boolean;
  framing: string | null;
  /** Whether characters that no head may have are removed, so that more gets past the server below. */
  isPrintable: boolean;
}

function spoilt(surface: Surface): fc.Arbitrary<Spoilt> {
  return fc.record({
    request: requestTo(surface),
    changes: mutations,
    inHead: fc.boolean(),
    isPrintable: fc.boolean(),
    framing: fc.option(fc.constantFrom(...FRAMINGS), { freq: 4 }),
  });
}

function spoil(
  { request, changes, inHead, framing, isPrintable }: Spoilt,
  cast: Cast,
  host: string,
): Uint8Array {
  const right = { ...request, choices: request.choices.map(() => ({ is: "right" as const })), headers: [] };
  const whole = latin1(encode({ ...right, token: "none" }, cast, host, "").bytes);
  const [head, body] = [whole.slice(0, whole.indexOf("\r\n\r\n")), whole.slice(whole.indexOf("\r\n\r\n"))];
  const framed = framing === null ? head : `${head}\r\n${framing}`;
  const printed = (text: string) => isPrintable ? text.replaceAll(/[^\r\n\x20-\x7e]/g, "") : text;
  const changed = inHead
    ? printed(latin1(mutated(fromLatin1(framed), changes.slice(0, 1)))) + body
    : latin1(mutated(fromLatin1(framed + body), changes));
  // The token stays whole: it is most of a head, and a broken one is refused before anything else is checked.
  return fromLatin1(changed.replace("\r\n", `\r\nauthorization: Bearer ${cast.me.token}\r\n`));
}

Deno.test("no request that is damaged byte by byte is answered with 500, and none keeps the service from the next", () =>
  withTarget(async (target) => {
    const { url } = target.service;
    const surfaces = readSurfaces(await (await fetch(`${url}/openapi.json`)).json());
    const answers = { ours: 0, below: 0, none: 0 };
    await fuzz(target, {
      what: "requests by their bytes",
      share: 0.15,
      inputs: fc.oneof(...surfaces.map(spoilt)),
      client: async () => {
        let cast = await createCast(url);
        let last = "";
        return {
          async send(input) {
            const bytes = spoil(input, cast, new URL(url).host);
            last = latin1(bytes);
            const connection = openHttp(url);
            // The service may rightly wait for the rest of a request, so the client gives up after a while.
            const answer = await connection.ask(bytes, { msMax: 150 });
            connection.close();
            if (!answer || Number.isNaN(answer.status)) {
              answers.none += 1;
              return "refused";
            }
            ok(answer.status < 500, `${answer.status} ${latin1(answer.body)}`);
            const isOurs = answer.headers.has("x-request-id");
            answers[isOurs ? "ours" : "below"] += 1;
            if (!isOurs && answer.status !== 101) equal(answer.body.length, 0, latin1(answer.body));
            if (answer.status === 200 && /signout|sessions/.test(last)) cast = await createCast(url);
            return answer.status >= 400 ? "refused" : "taken";
          },
          spell: () => last,
          close: () => {},
        };
      },
    });
    for (const count of Object.values(answers)) ok(count > 20, JSON.stringify(answers));
  }));
