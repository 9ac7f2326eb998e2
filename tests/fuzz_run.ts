// The frame of every fuzz run: a service in another process, many clients at once, inputs from a seed, and
// finally a check that the service is still healthy. `FUZZ=200000 deno task test tests/fuzz_*` is the long
// run; `FUZZ_SEED=` draws other inputs.

import fc from "fast-check";
import { equal, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { PUBLIC_URL } from "./invite_calls.ts";
import { twilioEnv } from "./passcode_calls.ts";
import { type Service, startService } from "./process.ts";
import { clientPorts, memoryMib } from "./process_state.ts";
import { eventually } from "./support.ts";
import { startTwilioDouble } from "./twilio_double.ts";

const INPUTS_DEFAULT = 20_000;
/** The number of malformed inputs of all runs together. */
const INPUTS = Number(Deno.env.get("FUZZ") ?? INPUTS_DEFAULT);
/** Whether that is enough to reach everything. */
export const REACHES_ALL = INPUTS >= INPUTS_DEFAULT;
/** Fixed, so that failures can be reproduced. */
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 20_260_131);
const CLIENTS = 16;
const CHUNK = 100;
/**
 * The memory that may be added by caches, and by sockets that ended without a close frame: Deno remembers
 * those for a minute, at 6 KB each. In the long run a leak of 2 KB an input exceeds it.
 */
const GROWTH_MIB_MAX = 128;

export interface Target {
  /** Prints passcodes and shows them at /dev/sms. */
  service: Service;
  /** Another process on the same database, which sends through a double of Twilio. */
  twilio: Service;
  authToken: string;
}

/** Whether an input was refused, or accepted because it was valid after all. */
export type Judgement = "refused" | "taken";

interface Run<Input> {
  what: string;
  /** The share of all malformed inputs that this run sends. */
  share: number;
  inputs: fc.Arbitrary<Input>;
  /** Creates a client. What it throws fails the run, and the input is printed as the client `spells` it. */
  client: () => Promise<{
    send(input: Input): Promise<Judgement>;
    spell(input: Input): string;
    close(): void;
  }>;
}

export async function withTarget(run: (target: Target) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  const double = startTwilioDouble();
  const env = {
    DATABASE_URL: database.url,
    JWT_SECRET: "a secret of thirty-two bytes or more",
    LIMITS: "off",
    PUBLIC_URL,
  };
  const byTwilio: Record<string, string> = { ...twilioEnv(double), HOST: "127.0.0.1" };
  const services: Service[] = [];
  try {
    services.push(await startService({ env: { ...env, SMS_DRIVER: "console" } }));
    services.push(await startService({ env: { ...env, ...byTwilio } }));
    const [service, twilio] = services as [Service, Service];
    await run({ service, twilio, authToken: byTwilio.TWILIO_AUTH_TOKEN! });
    for (const service of services) await assertWell(service);
  } finally {
    for (const service of services) await service.end("SIGKILL").catch(() => {});
    await double.close();
    await database.drop();
  }
}

/** Asserts that the service lives, answers, and has logged no bug. */
async function assertWell({ url, output }: Service): Promise<void> {
  equal((await fetch(`${url}/readyz`)).status, 200);
  const bugs = output().split("\n").filter((line) =>
    /"level":"(ERROR|FATAL)"|^(error|thread|panicked)/i.test(line)
  );
  equal(bugs.join("\n"), "");
}

/** Sends inputs from many clients until enough of them were refused. */
export async function fuzz<Input>({ service, twilio }: Target, run: Run<Input>): Promise<void> {
  const wanted = Math.ceil(INPUTS * run.share);
  const draw = drawer(run.inputs);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, run.client));
  const count = { refused: 0, taken: 0 };
  const before = clientPorts(service).size;
  // The minimum in either half of the run, because garbage comes and goes.
  const least = [Infinity, Infinity];
  let failure: Error | null = null;

  async function play({ send, spell }: Awaited<ReturnType<Run<Input>["client"]>>): Promise<void> {
    while (count.refused < wanted && !failure) {
      const { input, seed } = draw();
      try {
        const judgement = await send(input);
        count[judgement] += 1;
      } catch (error) {
        failure ??= new Error(`FUZZ_SEED=${seed} FUZZ=${Math.ceil(CHUNK / run.share)}\n${spell(input)}`, {
          cause: error,
        });
      }
      const half = count.refused < wanted / 2 ? 0 : 1;
      if (count.refused % 50 === 0 && count.refused > wanted / 10) {
        least[half] = Math.min(least[half]!, memoryMib(service) + memoryMib(twilio));
      }
    }
  }

  const startedAt = performance.now();
  await Promise.all(clients.map(play));
  const seconds = (performance.now() - startedAt) / 1000;
  clients.forEach(({ close }) => close());
  if (failure) throw failure;
  const grown = least[1]! - least[0]!;
  console.log(
    `Fuzzed ${run.what}: ${count.refused} malformed and ${count.taken} other inputs in ${
      seconds.toFixed(1)
    } s, seed ${SEED}; ` +
      `memory at least ${least[0]!.toFixed(0)} MiB in the first half, ${
        grown.toFixed(0)
      } MiB more in the second`,
  );
  ok(grown < GROWTH_MIB_MAX, `Memory grew by ${grown} MiB`);
  await eventually(() => ok(clientPorts(service).size <= before + 4, "Connections were left behind"), 20_000);
}

/** Draws inputs in chunks, each with a seed that draws it first. */
function drawer<Input>(inputs: fc.Arbitrary<Input>): () => { input: Input; seed: number } {
  let seed = SEED - 1;
  let chunk: Input[] = [];
  return () => {
    if (chunk.length === 0) chunk = fc.sample(inputs, { seed: seed += 1, numRuns: CHUNK });
    return { input: chunk.shift()!, seed };
  };
}
