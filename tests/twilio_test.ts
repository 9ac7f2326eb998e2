import { gzipSync } from "node:zlib";
import { deepEqual, equal, ok } from "./assert.ts";

import { parsePhoneNumber, type PhoneNumber } from "../services/phone_number.ts";
import type { SmsRefusal, SmsSender } from "../services/sms/sender.ts";
import {
  createTwilioSms,
  refusalOf,
  type TwilioFailure,
  type TwilioOptions,
} from "../services/sms/twilio.ts";
import { startTwilioDouble, type TwilioDouble } from "./twilio_double.ts";

const ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef";
const AUTH_TOKEN = "a token: with a colon";
const ANN = parsePhoneNumber("+14155550123") as PhoneNumber;
const SENDER = parsePhoneNumber("+15005550006") as PhoneNumber;
const TEXT = "Two lines & more = 100 %\n\n@puffin.example #123456 \u00e9";

const CODES: Record<Exclude<SmsRefusal, "sms_disabled">, number[]> = {
  sms_opted_out: [21610],
  sms_not_allowed: [21211, 21265, 21266, 21408, 21612, 21614, 21635, 30005, 30006],
  sms_failed: [
    ...[20003, 20404, 20429, 21606, 21608, 21611, 21617, 21659, 21660, 21703],
    ...[30002, 30003, 30004, 30007, 30008, 30034, 99999],
  ],
};

interface Scene {
  twilio: TwilioDouble;
  failures: TwilioFailure[];
  sender(options?: Partial<TwilioOptions>): Promise<SmsSender>;
}

async function withTwilio(act: (scene: Scene) => Promise<void>) {
  const twilio = startTwilioDouble();
  const failures: TwilioFailure[] = [];
  const sender = (options: Partial<TwilioOptions> = {}) =>
    createTwilioSms({
      accountSid: ACCOUNT_SID,
      authToken: AUTH_TOKEN,
      from: { phoneNumber: SENDER },
      apiBaseUrl: twilio.baseUrl,
      log: (failure) => failures.push(failure),
      ...options,
    });
  try {
    await act({ twilio, failures, sender });
  } finally {
    await twilio.close();
  }
}

/** Whether the SMS was sent is unknown. */
const failed = { sent: false, refusal: "sms_failed", provider_code: null, perhaps: "yes" };

Deno.test("send() makes the one request that Twilio documents", () =>
  withTwilio(async ({ twilio, failures, sender }) => {
    const outcome = await (await sender()).send(ANN, TEXT);
    deepEqual(outcome, { sent: true, provider_id: twilio.sids[0] });

    deepEqual(twilio.requests, [{
      method: "POST",
      path: `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`,
      authorization: `Basic ${btoa(`${ACCOUNT_SID}:${AUTH_TOKEN}`)}`,
      contentType: "application/x-www-form-urlencoded",
      form: { To: ANN, From: SENDER, Body: TEXT },
    }]);
    deepEqual(failures, []);
  }));

Deno.test("send() names a messaging service instead of a number", () =>
  withTwilio(async ({ twilio, sender }) => {
    const sms = await sender({ from: { messagingServiceSid: "MG42" } });

    equal((await sms.send(ANN, TEXT)).sent, true);
    deepEqual(twilio.requests[0]?.form, { To: ANN, MessagingServiceSid: "MG42", Body: TEXT });
  }));

Deno.test("send() names a URL for callbacks if there is one", () =>
  withTwilio(async ({ twilio, sender }) => {
    const statusCallback = "https://talk.example/api/twilio/status";
    await (await sender({ statusCallback })).send(ANN, TEXT);

    deepEqual(twilio.requests[0]?.form, {
      StatusCallback: statusCallback,
      To: ANN,
      From: SENDER,
      Body: TEXT,
    });
  }));

Deno.test("send() counts as paid", () =>
  withTwilio(async ({ sender }) => {
    equal((await sender()).paid, true);
  }));

Deno.test("send() keeps the path of another base and drops its trailing slash", () =>
  withTwilio(async ({ twilio, sender }) => {
    for (const end of ["", "/", "//"]) {
      const sms = await sender({ apiBaseUrl: `${twilio.baseUrl}/proxy/v1${end}` });
      await sms.send(ANN, TEXT);
      equal(twilio.requests.pop()?.path, `/proxy/v1/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`);
    }
  }));

Deno.test("send() translates every code of the table and an unknown one, logging neither number nor text", () =>
  withTwilio(async ({ twilio, failures, sender }) => {
    const sms = await sender();
    for (const [refusal, codes] of Object.entries(CODES)) {
      for (const code of codes) {
        twilio.answer({ status: 400, code });
        deepEqual(await sms.send(ANN, TEXT), { sent: false, refusal, provider_code: code, perhaps: "no" });
        deepEqual(failures.pop(), { reason: "refused", status: 400, provider_code: code });
        equal(refusalOf(code), refusal);
      }
    }
    equal(refusalOf(null), "sms_failed");
  }));

Deno.test("send() reads the error of a message that was accepted and failed at once", () =>
  withTwilio(async ({ twilio, sender }) => {
    twilio.answer(() => Response.json({ sid: "SM1", status: "failed", error_code: 30006 }, { status: 201 }));

    const outcome = await (await sender()).send(ANN, TEXT);

    deepEqual(outcome, { sent: false, refusal: "sms_not_allowed", provider_code: 30006, perhaps: "no" });
  }));

Deno.test("send() treats a message that failed at once as refused, even without a code", () =>
  withTwilio(async ({ twilio, sender }) => {
    for (const status of ["failed", "undelivered", "canceled"]) {
      twilio.answer(() => Response.json({ sid: "SM1", status, error_code: null }, { status: 201 }));
      deepEqual(await (await sender()).send(ANN, TEXT), { ...failed, perhaps: "no" });
    }
  }));

Deno.test("send() never tries a second time", () =>
  withTwilio(async ({ twilio, sender }) => {
    const sms = await sender();
    for (const [status, code] of [[429, 20429], [500, 20500], [503, 20503]] as const) {
      twilio.answer({ status, code });
      deepEqual(await sms.send(ANN, TEXT), { ...failed, provider_code: code, perhaps: "no" });
    }
    equal(twilio.requests.length, 3);
  }));

const GARBAGE: Record<string, () => Response> = {
  "an HTML page": () => new Response("<h1>It works!</h1>"),
  "nothing": () => new Response(null, { status: 204 }),
  "null": () => Response.json(null),
  "an empty object": () => Response.json({}),
  "a list": () => Response.json([]),
  "a number": () => Response.json(7),
  "an HTML error": () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
  "null with an error status": () => Response.json(null, { status: 500 }),
  "a code that is a text": () => Response.json({ code: "21610", message: "?" }, { status: 400 }),
};

for (const [name, answer] of Object.entries(GARBAGE)) {
  Deno.test(`send() answers sms_failed where Twilio answers ${name}`, () =>
    withTwilio(async ({ twilio, failures, sender }) => {
      twilio.answer(answer);

      const { status } = answer();
      const perhaps = status === 400 ? "no" : status >= 500 ? "unlikely" : "yes";
      deepEqual(await (await sender()).send(ANN, TEXT), { ...failed, perhaps });
      const reason = status >= 400 ? "refused" : "unintelligible";
      deepEqual(failures, [{ reason, status: status >= 400 ? status : null, provider_code: null }]);
    }));
}

const UNINTELLIGIBLE = { reason: "unintelligible", status: null, provider_code: null };

/** An answer of Twilio's, padded with spaces to this many bytes. */
const padded = (bytes: number) =>
  JSON.stringify({ sid: "SM1", status: "queued", error_code: null }).padEnd(bytes);

Deno.test("send() reads 64 KiB of an answer, uncompressed, and treats a longer one as unintelligible", () =>
  withTwilio(async ({ twilio, failures, sender }) => {
    const sms = await sender();
    const packed = (bytes: number) => () =>
      new Response(new Uint8Array(gzipSync(padded(bytes))), {
        status: 201,
        headers: { "content-encoding": "gzip" },
      });
    const plain = (bytes: number) => () => new Response(padded(bytes), { status: 201 });

    for (const answer of [plain(65_536), packed(65_536)]) {
      twilio.answer(answer);
      deepEqual(await sms.send(ANN, TEXT), { sent: true, provider_id: "SM1" });
    }
    for (const answer of [plain(65_537), packed(65_537), packed(64 * 1024 * 1024)]) {
      twilio.answer(answer);
      deepEqual(await sms.send(ANN, TEXT), failed);
      deepEqual(failures.pop(), UNINTELLIGIBLE);
    }
  }));

Deno.test("send() cuts the connection of an endless answer, and goes by its status", () =>
  withTwilio(async ({ twilio, failures, sender }) => {
    const sms = await sender();
    const block = new TextEncoder().encode("[".repeat(65_536));
    for (const [status, perhaps] of [[201, "yes"], [400, "no"]] as const) {
      const cut = Promise.withResolvers<void>();
      let written = 0;
      const endless = {
        pull(body: ReadableStreamDefaultController) {
          written += block.length;
          body.enqueue(block);
        },
        cancel: () => cut.resolve(),
      };
      twilio.answer(() => new Response(new ReadableStream(endless), { status }));
      deepEqual(await sms.send(ANN, TEXT), { ...failed, perhaps });
      await cut.promise;
      ok(written < 32 * 1024 * 1024, `${written} bytes`);
    }
    deepEqual(failures, [UNINTELLIGIBLE, { reason: "refused", status: 400, provider_code: null }]);
  }));

Deno.test("send() follows no redirect", () =>
  withTwilio(async ({ twilio, sender }) => {
    const sms = await sender();
    for (const status of [301, 302, 307, 308]) {
      twilio.answer(() =>
        new Response(null, { status, headers: { location: `${twilio.baseUrl}/elsewhere` } })
      );
      deepEqual(await sms.send(ANN, TEXT), failed);
    }
    equal(twilio.requests.length, 4);
  }));

Deno.test("send() gives up at the time limit, before the headers and within the body", () =>
  withTwilio(async ({ twilio, failures, sender }) => {
    const released = Promise.withResolvers<void>();
    const sms = await sender({ timeoutMs: 100 });
    twilio.answer(() => released.promise.then(() => new Response()));
    twilio.answer(() => new Response(new ReadableStream({ pull: () => released.promise })));
    const startedAt = performance.now();

    deepEqual([await sms.send(ANN, TEXT), await sms.send(ANN, TEXT)], [failed, failed]);

    ok(performance.now() - startedAt < 5_000);
    const late = { reason: "timed out", status: null, provider_code: null };
    deepEqual(failures, [late, late]);
    released.resolve();
  }));

/** Answers the first request on a connection and keeps it open, but closes it on the second request. */
function startClosingServer() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let asked = 0;
  async function serve(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    const body = JSON.stringify({ sid: "SM1", status: "queued", error_code: null });
    for (let nth = 1; nth <= 2; nth += 1) {
      let text = "";
      while (!/\r\n\r\n.*Body=/s.test(text)) {
        const count = await connection.read(buffer);
        if (count === null) return;
        text += new TextDecoder().decode(buffer.subarray(0, count));
      }
      asked += 1;
      if (nth === 2) return;
      const head =
        `HTTP/1.1 201 Created\r\ncontent-length: ${body.length}\r\ncontent-type: application/json\r\n\r\n`;
      await connection.write(new TextEncoder().encode(head + body));
    }
  }
  const serving = (async () => {
    for await (const connection of listener) {
      serve(connection).finally(() => connection.close()).catch(() => {});
    }
  })();
  return {
    address: `http://127.0.0.1:${listener.addr.port}`,
    asked: () => asked,
    async close() {
      listener.close();
      await serving;
    },
  };
}

Deno.test("send() makes one request, even if a connection kept from the one before would be closed under it", async () => {
  const server = startClosingServer();
  const sms = await createTwilioSms({
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    from: { phoneNumber: SENDER },
    apiBaseUrl: server.address,
  });
  for (let nth = 1; nth <= 3; nth += 1) {
    equal((await sms.send(ANN, TEXT)).sent, true);
    equal(server.asked(), nth);
  }
  await server.close();
});

Deno.test("send() distinguishes a provider that received the request and hung up from an unreachable one", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const failures: TwilioFailure[] = [];
  const sms = await createTwilioSms({
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    from: { phoneNumber: SENDER },
    apiBaseUrl: `http://127.0.0.1:${listener.addr.port}`,
    log: (failure) => failures.push(failure),
  });
  const sent = sms.send(ANN, TEXT);
  const connection = await listener.accept();
  await connection.read(new Uint8Array(65_536));
  connection.close();

  deepEqual(await sent, failed);
  deepEqual(failures, [UNINTELLIGIBLE]);
  listener.close();
});

Deno.test("send() answers sms_failed where nothing listens", async () => {
  const twilio = startTwilioDouble();
  await twilio.close();
  const failures: TwilioFailure[] = [];
  const sms = await createTwilioSms({
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    from: { phoneNumber: SENDER },
    apiBaseUrl: twilio.baseUrl,
    log: (failure) => failures.push(failure),
  });

  deepEqual(await sms.send(ANN, TEXT), { ...failed, perhaps: "no" });
  deepEqual(failures, [{ reason: "unreachable", status: null, provider_code: null }]);
});
