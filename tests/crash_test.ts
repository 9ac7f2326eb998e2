// A service that is killed in the middle of its work, and what its users find afterwards.

import { deepEqual, equal, ok } from "./assert.ts";

import { type Service, withServices } from "./process.ts";
import { befriend, persistently, send, signUp, wholeThread } from "./service_client.ts";
import { ANN, BOB, eventually, type Person } from "./support.ts";

const SENDS = 600;

/** Sends both ways at once and kills the service after the first answers. Returns their ids by client_id. */
async function sendUntilKilled(service: Service, ann: Person, bob: Person): Promise<Map<string, number>> {
  const acknowledged = new Map<string, number>();
  const sends = Array.from({ length: SENDS }, async (_, place) => {
    const [from, to] = place % 2 === 0 ? [ann, bob] : [bob, ann];
    const { status, body } = await send(service.url, from, to, `text ${place}`, `${place}`);
    equal(status, 200);
    acknowledged.set(`${place}`, body.messages[0].id);
  });
  const settled = Promise.allSettled(sends);
  await eventually(() => acknowledged.size > 0);
  await service.end("SIGKILL");
  await settled;
  return acknowledged;
}

Deno.test("after kill -9 in the middle of sends every acknowledged message is stored once, and after sending all again each one is", () =>
  withServices(async (start) => {
    const first = await start();
    const [ann, bob] = [await signUp(first.url, ANN), await signUp(first.url, BOB)];
    await befriend(first.url, ann, bob);
    const acknowledged = await sendUntilKilled(first, ann, bob);
    ok(acknowledged.size < SENDS, "Everything was sent before the kill");

    const { url } = await start();
    const survived = await wholeThread(url, ann, bob);
    const texts = new Map(survived.map(({ message, id }) => [message, id]));
    equal(texts.size, survived.length, "Something is there twice");
    for (const [place, id] of acknowledged) equal(texts.get(`text ${place}`), id);

    await Promise.all(Array.from({ length: SENDS }, async (_, place) => {
      const [from, to] = place % 2 === 0 ? [ann, bob] : [bob, ann];
      const { status, body } = await persistently(() => send(url, from, to, `text ${place}`, `${place}`));
      equal(status, 200, JSON.stringify(body));
      const known = texts.get(`text ${place}`);
      if (known !== undefined) equal(body.messages[0].id, known);
    }));
    const both = await Promise.all([wholeThread(url, ann, bob), wholeThread(url, bob, ann)]);
    for (const thread of both) {
      deepEqual(
        thread.map(({ message }) => message).sort(),
        Array.from({ length: SENDS }, (_, place) => `text ${place}`).sort(),
      );
    }
  }));
