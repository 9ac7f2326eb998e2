// What the service requires of its database, what it reports if that is missing, and what it sets itself.

import { connect, openDatabase, type Pool } from "../db/connection/database.ts";
import { awaitServer } from "../db/connection/server.ts";
import { findUnreadable } from "../db/media/media.ts";
import { deepEqual, equal, rejects } from "./assert.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { addMedia, makeWav } from "./media_calls.ts";
import { startPooler } from "./pooler.ts";
import { ANN, withApp } from "./support.ts";
import { startProxy } from "./tcp_proxy.ts";

const never = new Promise(() => {});

async function withDatabase(run: (database: TestDatabase, admin: Pool) => Promise<void>): Promise<void> {
  const database = await createTestDatabase({ empty: true });
  const admin = connect(database.address, { max: 1 });
  try {
    await run(database, admin);
  } finally {
    await admin.end({ timeout: 1 });
    await database.drop();
  }
}

/** Runs with a temporary role that has these settings. */
async function withRole(
  admin: Pool,
  settings: Record<string, string>,
  run: (role: string) => Promise<void>,
): Promise<void> {
  const role = `r_${crypto.randomUUID().replaceAll("-", "")}`;
  await admin.unsafe(`create role ${role} login`);
  try {
    for (const [name, value] of Object.entries(settings)) {
      await admin.unsafe(`alter role ${role} set ${name} = '${value}'`);
    }
    await run(role);
  } finally {
    await admin.unsafe(`drop owned by ${role}`);
    await admin.unsafe(`drop role ${role}`);
  }
}

Deno.test("awaitServer() refuses a database whose encoding cannot store all characters, and names the encoding", () =>
  withDatabase(async ({ address }, admin) => {
    for (const encoding of ["SQL_ASCII", "LATIN1"]) {
      const database = `${address.database}_${encoding.toLowerCase()}`;
      await admin.unsafe(`create database ${database} encoding '${encoding}' locale 'C' template template0`);
      try {
        await rejects(
          awaitServer({ ...address, database }, never),
          new RegExp(`its encoding is ${encoding}, .*encoding 'UTF8' template template0`),
        );
      } finally {
        await admin.unsafe(`drop database ${database}`);
      }
    }
  }));

Deno.test("awaitServer() refuses at once a pooler that rejects or drops settings, and says what to do", () =>
  withDatabase(async ({ address }) => {
    for (
      const [refuses, words] of [
        [true, /^Error: DATABASE_URL: .*unsupported startup parameter: statement_timeout.*not a pooler/],
        [false, /^Error: DATABASE_URL: .*settings of its connections are lost.*not a pooler/],
      ] as const
    ) {
      const pooler = startPooler(`${address.host}/.s.PGSQL.5432`, { refuses });
      try {
        const waits: unknown[] = [];
        const onWaiting = (unreached: unknown) => void waits.push(unreached);
        await rejects(awaitServer(pooler.urlFor(address), never, { onWaiting }), words);
        deepEqual(waits, []);
      } finally {
        pooler.close();
      }
    }
  }));

Deno.test("awaitServer() finally says that the server may not support TLS, if TLS is asked for and the server hangs up", () =>
  withDatabase(async ({ address: { host, user, database } }) => {
    const proxy = startProxy(`${host}/.s.PGSQL.5432`);
    const url = `postgres://${user}@127.0.0.1:${proxy.port}/${database}`;
    try {
      await rejects(
        awaitServer(`${url}?sslmode=require`, never, { msMax: 100 }),
        /^Error: DATABASE_URL: Cannot reach .*: ECONNRESET; sslmode asks for TLS, which this server may not support$/,
      );
      await awaitServer(`${url}?sslmode=prefer`, never);
    } finally {
      proxy.close();
    }
  }));

Deno.test("awaitServer() names the settings with which a crash of the database may lose confirmed data", () =>
  withDatabase(({ address }, admin) =>
    withRole(admin, { synchronous_commit: "off" }, async (user) => {
      // The server of the tests runs without these two.
      deepEqual((await awaitServer(address, never)).unsafe, ["fsync", "full_page_writes"]);
      deepEqual((await awaitServer({ ...address, user }, never)).unsafe, [
        "fsync",
        "full_page_writes",
        "synchronous_commit",
      ]);
    })
  ));

Deno.test("connections have the settings that our statements rely on, whatever the role has", () =>
  withDatabase(({ address }, admin) => {
    const settings = {
      bytea_output: "escape",
      datestyle: "German, DMY",
      default_transaction_isolation: "serializable",
      standard_conforming_strings: "off",
    };
    return withRole(admin, settings, async (user) => {
      const database = openDatabase({ ...address, user }, { max: 1 });
      try {
        const rows = await database.run((sql) =>
          sql<{ setting: string }[]>`
            select setting from pg_settings where lower(name) = any(${
            Object.keys(settings)
          }) order by lower(name)`
        );
        deepEqual(rows.map(({ setting }) => setting), ["hex", "ISO, MDY", "read committed", "on"]);
        const [row] = await database.run((sql) =>
          sql<{ at: Date; bytes: Uint8Array }[]>`
            select '2026-02-01T03:04:05Z'::timestamptz as at, '\\x00ff5c'::bytea as bytes`
        );
        equal(row!.at.toISOString(), "2026-02-01T03:04:05.000Z");
        deepEqual([...row!.bytes], [0, 255, 92]);
      } finally {
        await database.close();
      }
    });
  }));

Deno.test("findUnreadable() names the owner of media that were restored by another role", () =>
  withApp(async (t) => {
    const { address } = t.database;
    const admin = connect(address, { max: 1 });
    try {
      await withRole(admin, {}, async (user) => {
        await admin.unsafe(`grant select on media to ${user}`);
        const database = openDatabase({ ...address, user }, { max: 1 });
        const look = () => database.run(findUnreadable);
        try {
          equal(await look(), null);
          await addMedia(t, await t.signUp(ANN), makeWav(1_000));
          deepEqual(await look(), { owner: address.user });
          const [media] = await admin<{ oid: string }[]>`select oid from media`;
          await admin.unsafe(`alter large object ${media!.oid} owner to ${user}`);
          equal(await look(), null);
          await admin.unsafe(`alter large object ${media!.oid} owner to ${address.user}`);
        } finally {
          await database.close();
        }
      });
    } finally {
      await admin.end({ timeout: 1 });
    }
  }));
