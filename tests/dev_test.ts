import { deepEqual, equal, match } from "./assert.ts";

import { createApp } from "../routes/app.ts";
import { parseConfig } from "../services/config.ts";
import { ask, twilioEnv } from "./passcode_calls.ts";
import {
  ANN,
  type Answer,
  BOB,
  CAT,
  JWT_SECRET,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";
import { startTwilioDouble } from "./twilio_double.ts";

interface Listed {
  to: string;
  text: string;
  at: string;
}

async function list(t: TestApp, query = ""): Promise<Listed[]> {
  const answer = await t.call("GET", `/dev/sms${query}`);
  succeeded(answer);
  return answer.body.messages;
}

/** Calls with this Host header. */
async function callAs(t: TestApp, host: string, path = "/dev/sms"): Promise<Pick<Answer, "status" | "body">> {
  const client = Deno.createHttpClient({ allowHost: true });
  try {
    const response = await fetch(t.url + path, { client, headers: { host } });
    return { status: response.status, body: await response.json() };
  } finally {
    client.close();
  }
}

Deno.test("/dev/sms lists the SMS that were not sent, newest first, with number, text and time", () =>
  withApp(async (t) => {
    deepEqual(await list(t), []);
    t.clock.freeze();
    const times: string[] = [];
    for (const phone of [ANN, BOB, CAT]) {
      times.unshift(t.clock.now().toISOString());
      await ask(t, "signup", phone);
      t.clock.advance(1_000);
    }
    const listed = await list(t);

    deepEqual(listed.map(({ to }) => to), [CAT, BOB, ANN]);
    deepEqual(listed.map(({ at }) => at), times);
    equal(listed[2]!.text.slice(0, 6), t.codeFor(ANN));
  }));

Deno.test("/dev/sms?to= takes every spelling, with the plus sign written, escaped or decoded to a space", () =>
  withApp(async (t) => {
    for (const phone of [ANN, BOB]) await ask(t, "signup", phone);
    const digits = ANN.slice(1);
    for (
      const to of [
        `+${digits}`,
        `%2B${digits}`,
        `%20${digits}`,
        digits,
        `00${digits}`,
        "1%20(415)%20555-0101",
      ]
    ) {
      deepEqual((await list(t, `?to=${to}`)).map((sms) => sms.to), [ANN], to);
    }
    deepEqual(await list(t, `?to=${encodeURIComponent(CAT)}`), []);
    equal((await list(t, "?unknown=1")).length, 2);
  }));

Deno.test("/dev/sms?to= refuses a value that is no phone number", () =>
  withApp(async (t) => {
    for (const to of ["", "abc", "%2B0123456789"]) {
      refused(await t.call("GET", `/dev/sms?to=${to}`), 400, "invalid_phone_number");
    }
  }));

Deno.test("/dev/sms answers under every name of this machine", () =>
  withApp(async (t) => {
    for (
      const host of [
        "localhost",
        "LOCALHOST:3000",
        "chat.localhost",
        "127.0.0.1:80",
        "127.1.2.3",
        "[::1]:3000",
      ]
    ) {
      equal((await callAs(t, host)).status, 200, host);
    }
  }));

Deno.test("/dev/sms is 404 under a name that is not of this machine", () =>
  withApp(async (t) => {
    const names = [
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "xlocalhost",
      "192.0.2.1",
    ];
    for (const host of names) {
      const { status, body } = await callAs(t, host);
      deepEqual([status, body.code], [404, "not_found"], host);
    }
  }));

Deno.test("/dev/sms is 404 for requests that a proxy forwards", () =>
  withApp(async (t) => {
    for (const name of ["forwarded", "via", "x-forwarded-for", "x-real-ip"]) {
      for (const forwarded of ["192.0.2.1", "127.0.0.1", ""]) {
        refused(await t.call("GET", "/dev/sms", { headers: { [name]: forwarded } }), 404, "not_found");
      }
    }
  }));

Deno.test("/dev/sms is 404 for other machines, whatever Host they send", () =>
  withApp(async (t) => {
    const app = createApp(t.services, parseConfig({ JWT_SECRET }));
    const comeFrom = async (hostname: string) => {
      const remoteAddr: Deno.NetAddr = { transport: "tcp", hostname, port: 50_000 };
      const request = new Request("http://localhost/dev/sms");
      return (await app.fetch(request, { remoteAddr, completed: Promise.resolve() })).status;
    };
    for (const here of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
      equal(await comeFrom(here), 200, here);
    }
    for (
      const there of [
        "192.0.2.1",
        "10.127.0.1",
        "::ffff:192.0.2.1",
        "::10",
        "2001:db8::1",
        "fe80::ffff:127.0.0.1",
      ]
    ) {
      equal(await comeFrom(there), 404, there);
    }
  }));

Deno.test("/dev, the page for it, answers the same callers and no others", () =>
  withApp(async (t) => {
    const page = await fetch(`${t.url}/dev`);
    equal(page.status, 200);
    match(await page.text(), /^<!doctype html>/i);
    equal((await callAs(t, "localhost.evil.example", "/dev")).body.code, "not_found");
    refused(await t.call("GET", "/dev", { headers: { "x-forwarded-for": "127.0.0.1" } }), 404, "not_found");
  }));

Deno.test("a call of /dev/sms is logged only if it was refused", () =>
  withApp(async (t) => {
    t.log.splice(0);
    await list(t);
    deepEqual(t.log, []);
    refused(await t.call("GET", "/dev/sms", { headers: { via: "1.1 proxy" } }), 404, "not_found");
    deepEqual(t.log.map((line) => JSON.parse(line)).map(({ route, status }) => [route, status]), [
      ["/dev/sms", 404],
    ]);
  }));

Deno.test("/dev/sms is 404 with the twilio driver", async () => {
  const twilio = startTwilioDouble();
  try {
    await withApp(async (t) => {
      refused(await t.call("GET", "/dev/sms"), 404, "not_found");
      refused(await t.call("POST", "/dev/sms"), 404, "not_found");
    }, { env: twilioEnv(twilio) });
  } finally {
    await twilio.close();
  }
});

Deno.test("/dev/sms writes numbers as PHONE_WIRE_FORMAT says", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);
    deepEqual((await list(t)).map(({ to }) => to), [ANN.slice(1)]);
  }, { env: { PHONE_WIRE_FORMAT: "digits" } }));
