// Every limit of the table over HTTP: what it allows, how it refuses, and that LIMITS can switch it off.

import { LIMIT_TABLE } from "../services/limits/table.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { change } from "./contact_calls.ts";
import { LIMIT_NAMES, limited, type LimitName, only, worksWhenTold } from "./limit_calls.ts";
import { ask, complete, twilioEnv, wrong } from "./passcode_calls.ts";
import { handshake, shakeHands } from "./raw_socket.ts";
import { ANN, type Answer, BOB, eventually, friends, succeeded, type TestApp, withApp } from "./support.ts";
import { create } from "./tus_calls.ts";
import { startTwilioDouble } from "./twilio_double.ts";
import { upload, wav } from "./upload_calls.ts";

/** Uses the limit for the nth time; the answer is 429 if it is used up. */
type Use = (nth: number) => Promise<Answer>;
/** Prepares the service, and returns how to use the limit there. */
type Scene = (t: TestApp) => Promise<Use> | Use;
type RateName = Exclude<LimitName, "sockets_user" | "sockets_address">;

/** A `neighbour` shares prefix and country with the others, a `stranger` only the country. */
const neighbour = (nth: number) => `+1415555${3_000 + nth}`;
const stranger = (nth: number) => `+1415${600 + nth}0100`;
const MANY = 70;

const askEach = (phone: (nth: number) => string): Scene => (t) => (nth) => ask(t, "signup", phone(nth));

const SCENES: Record<RateName, Scene> = {
  sms_address: askEach(stranger),
  sms_prefix: askEach(neighbour),
  sms_dial_code: askEach(stranger),
  sms_service: askEach((nth) => nth % 2 ? stranger(nth) : `+44740012345${nth}`),
  passcode_address: async (t) => {
    for (let nth = 0; nth < 5; nth += 1) succeeded(await ask(t, "signup", stranger(nth)));
    return (nth) => {
      const phone = stranger(nth);
      return complete(t, "signup", { phone, passcode: wrong(t.codeFor(phone)) });
    };
  },
  reveal_address: (t) => (nth) => ask(t, "signin", stranger(nth)),
  messages: async (t) => {
    const [ann, bob] = await friends(t);
    return (nth) => t.send(ann, bob, `message ${nth}`);
  },
  requests_user: async (t) => {
    const ann = await t.signUp(ANN);
    return (nth) => change(t, "request", ann, stranger(nth));
  },
  requests_pair: async (t) => {
    const [ann] = [await t.signUp(ANN), await t.signUp(BOB)];
    return async () => {
      const answer = await change(t, "request", ann, BOB);
      if (answer.status === 200) succeeded(await change(t, "delete", ann, BOB));
      return answer;
    };
  },
  uploads: async (t) => {
    const ann = await t.signUp(ANN);
    return (nth) => nth % 2 ? upload(t, ann, wav(100)) : create(t, ann, 100);
  },
};
const RATE_NAMES = Object.keys(SCENES) as RateName[];

/** Runs a scene; for limits on paid SMS, a double of Twilio receives them. */
async function onStage(
  name: RateName,
  limits: string,
  run: (t: TestApp, use: Use) => Promise<void>,
): Promise<void> {
  const twilio = LIMIT_TABLE[name].paidOnly ? startTwilioDouble() : null;
  const paid = twilio ? { ...twilioEnv(twilio), SMS_COUNTRIES: "US,GB" } : {};
  try {
    await withApp(async (t) => {
      t.clock.freeze();
      await run(t, await SCENES[name](t));
    }, { env: { ...paid, LIMITS: limits } });
  } finally {
    await twilio?.close();
  }
}

const isLimited = ({ status }: Answer) => status === 429;

for (const name of RATE_NAMES) {
  const code = name === "passcode_address" ? "too_many_attempts" : undefined;

  Deno.test(`${name}=2/125s allows two at once, then one every 62.5 seconds, and rounds up the wait that it states`, () =>
    onStage(name, only(name, "2/125s"), async (t, use) => {
      for (const nth of [0, 1]) equal(isLimited(await use(nth)), false);
      equal(limited(await use(2), code), 63);
      await worksWhenTold(t, () => use(2), code);
      equal(limited(await use(3), code), 62);
    }));

  Deno.test(`${name}=off counts nothing`, () =>
    onStage(name, `${name}=off`, async (t, use) => {
      const memory = LIMIT_TABLE[name].store === "memory";
      for (let nth = 0; nth < (memory ? MANY : 3); nth += 1) equal(isLimited(await use(nth)), false);
      deepEqual([...await t.sql`select key from buckets where key like ${`${name} %`}`], []);
    }));
}

Deno.test("by default every limit is stored where the table says", async () => {
  for (const name of RATE_NAMES) {
    await onStage(name, "", async (t, use) => {
      await use(0);
      const rows = await t.sql`select key from buckets where key like ${`${name} %`}`;
      equal(rows.length, LIMIT_TABLE[name].store === "database" ? LIMIT_TABLE[name].rates.length : 0, name);
    });
  }
});

Deno.test("sockets_address=3 refuses a fourth socket of an address before the upgrade, until one is closed", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const sockets = [await t.socket(ann.token), await t.socket(ann.token), await t.socket(ann.token)];
    const knock = () => t.call("GET", "/api/notifications", { token: ann.token });
    equal(limited(await knock()), 30);
    equal(limited(await knock()), 30);

    await sockets[0]!.end();
    await eventually(async () => (await knock()).status === 426);
    await t.socket(ann.token);
    limited(await knock());
  }, { env: { LIMITS: only("sockets_address", "3") } }));

Deno.test("sockets_address gives back the place of a client that leaves in the middle of a handshake, or without a close frame", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const path = `/api/notifications?token=${ann.token}`;
    const knock = () => t.call("GET", "/api/notifications", { token: ann.token });
    for (let round = 0; round < 4; round += 1) {
      await eventually(async () => (await knock()).status === 426, 20_000);
      // The first client closes its sending side at once, and so never gets a socket.
      const { hostname, port } = new URL(t.url);
      const half = await Deno.connect({ hostname, port: Number(port) });
      await half.write(handshake(t.url, path));
      if (round === 0) await half.closeWrite();
      else half.close();
      await eventually(async () => (await knock()).status === 426, 20_000);
      (await shakeHands(t.url, path)).conn.close();
    }
  }, { env: { LIMITS: only("sockets_address", "1") } }));

for (const [name, sockets] of [["sockets_address", 10], ["sockets_user", 25]] as const) {
  Deno.test(`${name}=off allows ${sockets} sockets of one user`, () =>
    withApp(async (t) => {
      const ann = await t.signUp(ANN);
      const open = await Promise.all(Array.from({ length: sockets }, () => t.socket(ann.token)));
      ok(open.every(({ raw }) => raw.readyState === WebSocket.OPEN));
    }, { env: { LIMITS: `${name}=off` } }));
}

Deno.test("every name of the table has a scene here", () => {
  deepEqual([...RATE_NAMES, "sockets_user", "sockets_address"], LIMIT_NAMES);
});
