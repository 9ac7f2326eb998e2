// Compares the running service with the model: the answer to every call, everybody's list after it, and who
// was notified.

import fc from "fast-check";
import { deepEqual, equal } from "./assert.ts";
import {
  type Change,
  change,
  type ContactRow,
  forget,
  listOf,
  settle,
  wasTold,
  watch,
  type Watcher,
} from "./contact_calls.ts";
import { CALLS, createWorld, nameOf, reachable, type World } from "./contact_model.ts";
import { ANN, type Answer, BOB, CAT, type TestApp, withApp } from "./support.ts";

const CHANGES: Change[] = [...CALLS, "update"];

interface Stage {
  t: TestApp;
  world: World;
  people: Watcher[];
}

interface Step {
  call: Change;
  me: number;
  peer: number;
  label?: string | undefined;
}

/** Makes the same people strangers without messages again. */
async function startAgain(t: TestApp, people: Watcher[]): Promise<Stage> {
  await t.sql`truncate contacts, conversations, messages`;
  return { t, people, world: createWorld() };
}

async function take({ t, world, people }: Stage, { call, me, peer, label }: Step) {
  t.clock.advance(1_000);
  forget(people);
  const [actor, other] = [people[me]!, people[peer]!];
  const more = label === undefined ? {} : { display_name: label };
  const answer = await change(t, call, actor, other.phone, more);
  const expected = call === "update"
    ? world.update(actor.phone, other.phone, label!)
    : world.act(call, { me: actor.phone, peer: other.phone, at: t.clock.now(), label });
  return { actor, answer, expected };
}

/** Makes one call, and asserts that everything is as in the model after it. */
async function check(stage: Stage, step: Step): Promise<void> {
  const { t, world, people } = stage;
  const { actor, answer, expected } = await take(stage, step);
  checkAnswer(answer, expected.refusal, world.list(actor.phone));
  await settle(t, people);
  for (const person of people) {
    deepEqual(withoutCounts(await listOf(t, person)), world.list(person.phone));
    equal(wasTold(person.idle), expected.told.has(person.phone), `${person.phone} told, other session`);
    // The acting session may be notified as well.
    if (person !== actor) {
      equal(wasTold(person.acting), expected.told.has(person.phone), `${person.phone} told`);
    }
  }
}

function checkAnswer(answer: Answer, refusal: string | null, list: unknown[]): void {
  equal(answer.body.code ?? null, refusal);
  if (refusal === null) deepEqual(withoutCounts(answer.body.contacts), list);
}

function withoutCounts(list: ContactRow[]): unknown[] {
  return list.map(({ unread_messages, ...row }) => {
    equal(unread_messages, 0);
    return row;
  });
}

/** Calls of this many people; names are random, or one that is often repeated. */
function steps(people: number): fc.Arbitrary<Step[]> {
  const label = fc.oneof(fc.constant("Again"), fc.string({ unit: fc.constantFrom(..."abc "), maxLength: 3 }));
  const who = fc.integer({ min: 0, max: people - 1 });
  const step = fc.record({
    call: fc.constantFrom<Change>("request", "request", "accept", "delete", "update"),
    me: who,
    further: fc.integer({ min: 1, max: people - 1 }),
    label: fc.option(label, { nil: undefined }),
  }).map(({ call, me, further, label }): Step => ({
    call,
    me,
    peer: (me + further) % people,
    ...(call === "update" ? { label: label ?? "" } : call === "request" ? { label } : {}),
  }));
  return fc.array(step, { minLength: 1, maxLength: 14 });
}

async function checkSequences(t: TestApp, phones: string[], numRuns: number): Promise<void> {
  t.clock.freeze();
  const people: Watcher[] = [];
  for (const phone of phones) people.push(await watch(t, phone));
  await fc.assert(
    fc.asyncProperty(steps(people.length), async (sequence) => {
      const stage = await startAgain(t, people);
      for (const step of sequence) await check(stage, step);
    }),
    { numRuns, endOnFailure: true },
  );
}

Deno.test("from each of the eleven states every call of either side does what the model does", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const people = [await watch(t, ANN), await watch(t, BOB)];
    const states = reachable();
    equal(states.length, 11);
    for (const { two, way } of states) {
      for (const me of [0, 1]) {
        for (const call of CHANGES) {
          const stage = await startAgain(t, people);
          for (const { by, call } of way) {
            const me = by === "a" ? 0 : 1;
            await take(stage, { call, me, peer: 1 - me });
          }
          await settle(t, people);
          const label = call === "update" || call === "request" ? `${nameOf(two)} ${call}` : undefined;
          await check(stage, { call, me, peer: 1 - me, label });
        }
      }
    }
  }));

Deno.test("any calls of two people do what the model does, and notify the same people", () =>
  withApp((t) => checkSequences(t, [ANN, BOB], 20)));

Deno.test("any calls of three people do what the model does, and do not affect the third", () =>
  withApp((t) => checkSequences(t, [ANN, BOB, CAT], 20)));
