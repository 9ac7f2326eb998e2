// Limits on unread and concurrent large answers.

import { createLargeAnswers } from "../routes/large_answers.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import { equal, ok } from "./assert.ts";
import {
  ANN,
  BOB,
  eventually,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";

const AT_ONCE_MAX = 8;
const LARGE_BYTES = 256 * 1024;

/** Makes somebody's contact list large. */
async function befriendMany(t: TestApp, { phone }: Person): Promise<void> {
  await t.sql`
    insert into users (phone_number, status, created_at)
    select '+1999' || 1000000 + nth, 'active', now() from generate_series(1, 2500) as nth`;
  await t.sql`
    insert into conversations (low_id, high_id, low_intent, high_intent, ever_accepted)
    select me.id, other.id, 'want', 'want', true
    from users me, users other
    where me.phone_number = ${phone} and other.phone_number like '+1999%'`;
  await t.sql`
    insert into contacts (owner_id, peer_id, conversation_id, changed_at)
    select low_id, high_id, conversations.id, now()
    from conversations join users on users.id = high_id
    where phone_number like '+1999%'`;
}

Deno.test("a user who does not read large answers gets at most eight at a time; their changes and other users are still answered", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await befriendMany(t, bob);
    // Each takes six bytes in JSON.
    const message = "\u0001".repeat(4_096);
    for (let nth = 0; nth < 255; nth += 1) await t.send(ann, bob, message);
    const path = `/api/messages/${ANN}?count=255`;
    const { hostname, port } = new URL(t.url);
    const ask = new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${bob.token}\r\n\r\n`,
    );
    const unread: Deno.Conn[] = [];
    try {
      for (let nth = 0; nth < AT_ONCE_MAX; nth += 1) {
        const connection = await Deno.connect({ hostname, port: Number(port) });
        unread.push(connection);
        await connection.write(ask);
        // The socket buffers take some of the rest, but not all of it.
        const first = new Uint8Array(12);
        await connection.read(first);
        equal(new TextDecoder().decode(first), "HTTP/1.1 200");
      }
      await t.send(ann, bob, "One more");
      const refusal = await t.call("GET", path, { token: bob.token });
      refused(refusal, 429, "rate_limited");
      ok(refusal.body.retry_after > 0);
      succeeded(await t.call("GET", "/api/auth/sessions", { token: bob.token }));
      const json = { phone_number: ANN, display_name: "Ann" };
      const changed = await t.call("PUT", "/api/contacts/update", { token: bob.token, json });
      succeeded(changed);
      ok(JSON.stringify(changed.body).length > LARGE_BYTES);
      const answer = await t.call("GET", `/api/messages/${BOB}?count=255`, { token: ann.token });
      equal(answer.body.messages.length, 255);
      equal(answer.body.messages[0].status, "created", "what was refused has delivered nothing");
    } finally {
      unread.forEach((connection) => connection.close());
    }
    await eventually(async () => succeeded(await t.call("GET", path, { token: bob.token })));
  }, { env: { LIMITS: "messages=off" } }));

Deno.test("inTurn() makes eight answers at a time for one user, and those for other users alongside", async () => {
  const { inTurn } = createLargeAnswers();
  const person = (user_id: number) => ({ user_id, session_id: "one", phone_number: ANN as PhoneNumber });
  let [making, most] = [0, 0];
  const make = async () => {
    most = Math.max(most, making += 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    making -= 1;
  };
  const asked = Promise.all(Array.from({ length: 5 * AT_ONCE_MAX }, () => inTurn(person(1), make)));
  let isMade = false;
  await inTurn(person(2), () => Promise.resolve(isMade = true));
  ok(isMade && making === AT_ONCE_MAX);
  await asked;
  equal(most, AT_ONCE_MAX);
});

Deno.test("while a user requests many large pages at once, by HEAD or GET, others are still answered", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const message = "\u0001".repeat(4_096);
    for (let nth = 0; nth < 100; nth += 1) await t.send(ann, bob, message);
    for (const method of ["HEAD", "GET"]) {
      // Retried as a whole if the machine stalls for so long that the database seems unavailable.
      await eventually(async () => {
        let isOver = false;
        const asked = Promise.all(Array.from({ length: 60 }, async () => {
          const headers = { authorization: `Bearer ${bob.token}` };
          const answer = await fetch(`${t.url}/api/messages/${ANN}?count=255`, { method, headers });
          await answer.body?.cancel();
          return answer.status;
        })).finally(() => isOver = true);
        let answered = 0;
        while (!isOver) {
          if ((await t.call("GET", "/api/contacts", { token: ann.token })).status === 200) answered += 1;
        }
        for (const status of await asked) ok(status === 200 || status === 429, `${method} ${status}`);
        ok(answered > 4, `${answered}`);
      });
    }
  }, { env: { LIMITS: "messages=off" } }));
