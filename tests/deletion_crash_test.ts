// Accounts that are deleted while the service is killed: each is deleted as a whole or not at all, and what
// has to be erased is erased.

import type { Pool } from "../db/connection/database.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { withServices } from "./process.ts";
import { ask, befriend, send, signUp, wholeThread } from "./service_client.ts";
import { ANN, BOB, CAT, eventually, type Person } from "./support.ts";

const KILLS = 5;
/** More than one step of an erasure deletes. */
const MANY = 2_500;

function askToDelete(url: string, { phone, token }: Person) {
  return ask(`${url}/api/auth/delete-account`, "POST", token, { phone_number: phone });
}

async function addMany(sql: Pool): Promise<void> {
  await sql`
    insert into messages (conversation_id, id, sender_id, type, body, created_at)
    select v.id, nextval('message_ids'), low_id, 'text', 'many', now()
    from conversations v, generate_series(1, ${MANY})
    where low_id = (select id from users where phone_number = ${ANN})`;
}

Deno.test("an erasure that a killed service left unfinished is finished by the next one, which erases nothing else", () =>
  withServices(async (start, sql) => {
    const first = await start();
    const [ann, bob] = [await signUp(first.url, ANN), await signUp(first.url, BOB)];
    const cat = await signUp(first.url, CAT);
    await befriend(first.url, ann, bob);
    await befriend(first.url, bob, cat);
    equal((await send(first.url, ann, bob, "goes")).status, 200);
    equal((await send(first.url, bob, cat, "stays")).status, 200);
    await addMany(sql);

    // With this lock nothing can be erased before the kill.
    await sql.begin(async (held) => {
      await held`select from messages for update`;
      equal((await askToDelete(first.url, ann)).status, 200);
      await first.end("SIGKILL");
    });
    equal((await sql`select from messages`).length, MANY + 2);

    const { url } = await start();
    await eventually(async () => {
      const [row] = await sql<{ messages: number; erasures: number }[]>`
        select (select count(*) from messages) as messages, (select count(*) from erasures) as erasures`;
      deepEqual({ ...row }, { messages: 1, erasures: 0 });
    }, 20_000);
    deepEqual((await wholeThread(url, cat, bob)).map(({ message }) => message), ["stays"]);
    equal((await ask(`${url}/api/contacts`, "GET", ann.token)).status, 401);
  }));

Deno.test("a deletion that is interrupted by a kill is complete or has not begun; requested again it is complete", () =>
  withServices(async (start, sql) => {
    for (let nth = 0; nth < KILLS; nth += 1) {
      const first = await start();
      const people = await Promise.all(
        [0, 1, 2].map((place) => signUp(first.url, `+1415556${1_000 + nth * 10 + place}`)),
      );
      const [ann, bob, cat] = people as [Person, Person, Person];
      await befriend(first.url, ann, bob);
      await befriend(first.url, ann, cat);
      equal((await send(first.url, bob, ann, "hello")).status, 200);
      const answer = askToDelete(first.url, ann).then(({ status }) => status, () => null);
      await new Promise((resolve) => setTimeout(resolve, nth * 3));
      await first.end("SIGKILL");
      const told = await answer;

      const { url } = await start();
      const lists = await Promise.all(
        [bob, cat].map(({ token }) => ask(`${url}/api/contacts`, "GET", token)),
      );
      const shown = lists.map(({ body }) => body.contacts.length);
      const { status } = await ask(`${url}/api/contacts`, "GET", ann.token);
      deepEqual(shown, status === 200 ? [1, 1] : [0, 0]);
      ok(told !== 200 || status === 401, "It was said to be deleted");
      equal((await askToDelete(url, ann)).status, status === 200 ? 200 : 401);
      await eventually(async () => equal((await sql`select from messages`).length, 0), 20_000);
    }
  }));
