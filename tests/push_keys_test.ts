// The key pair that the service generates for itself: it is one for all processes, survives the rotation of
// secrets, and is not revealed by a copy of the database.

import { Buffer } from "node:buffer";
import { createECDH } from "node:crypto";
import { type Database, openDatabase } from "../db/connection/database.ts";
import { connect, type Pool } from "../db/connection/database.ts";
import { createPushKeys, makePair } from "../services/push/keys.ts";
import { deepEqual, equal, notEqual, rejects } from "./assert.ts";
import { createTestDatabase } from "./database.ts";

const [A, B, C] = ["the first secret", "the second secret", "the third secret"];

async function withDatabase(run: (database: Database, sql: Pool) => Promise<void>): Promise<void> {
  const test = await createTestDatabase();
  const database = openDatabase(test.address, { max: 8 });
  const sql = connect(test.address, { max: 1 });
  try {
    await run(database, sql);
  } finally {
    await database.close();
    await sql.end({ timeout: 1 });
    await test.drop();
  }
}

const pairOf = (database: Database, ...secrets: string[]) =>
  createPushKeys({ database, secrets, configured: null }).pair();

Deno.test("pair() returns one valid pair for all processes, even if they start together", () =>
  withDatabase(async (database) => {
    const pairs = await Promise.all(
      Array.from({ length: 8 }, (_, place) => pairOf(database, ...[[A], [B, A]][place % 2]!)),
    );
    for (const pair of pairs) deepEqual(pair, pairs[0]);
    deepEqual(await pairOf(database, A), pairs[0]);
    const curve = createECDH("prime256v1");
    curve.setPrivateKey(Buffer.from(pairs[0]!.private_key, "base64url"));
    equal(curve.getPublicKey("base64url"), pairs[0]!.public_key);
  }));

Deno.test("pair() stays the same through a rotation of secrets; with no secret in common it is another, and the first one is kept", () =>
  withDatabase(async (database) => {
    const pair = await pairOf(database, A);
    deepEqual(await pairOf(database, B, A), pair);
    deepEqual(await pairOf(database, B), pair);
    const foreign = await pairOf(database, C);
    notEqual(foreign.public_key, pair.public_key);
    deepEqual(await pairOf(database, A), pair);
    deepEqual(await pairOf(database, B, C), pair);
    deepEqual(await pairOf(database, C, B), foreign);
  }));

Deno.test("the private key is not in clear in the database, and the sealed one opens only with its own secret and row", () =>
  withDatabase(async (database, sql) => {
    const pair = await pairOf(database, A);
    const [row] = await sql<
      { sealed: Uint8Array; sealed_by: string }[]
    >`select sealed, sealed_by from push_keys`;
    equal(Buffer.from(row!.sealed).includes(Buffer.from(pair.private_key, "base64url")), false);
    equal(row!.sealed_by.includes(A), false);
    await pairOf(database, C);
    await sql`
      update push_keys
      set sealed = (select sealed from push_keys where sealed_by <> ${row!.sealed_by})
      where sealed_by = ${row!.sealed_by}`;
    await rejects(pairOf(database, A));
  }));

Deno.test("pair() tries again after a failure", () =>
  withDatabase(async (database, sql) => {
    const keys = createPushKeys({ database, secrets: [A], configured: null });
    await sql`alter table push_keys rename to away`;
    await rejects(keys.pair());
    await sql`alter table away rename to push_keys`;
    deepEqual(await keys.pair(), await pairOf(database, A));
  }));

Deno.test("a configured pair is used as it is, and none is generated", () =>
  withDatabase(async (database, sql) => {
    const configured = makePair();
    deepEqual(await createPushKeys({ database, secrets: [A], configured }).pair(), configured);
    equal((await sql`select sealed_by from push_keys`).length, 0);
  }));
