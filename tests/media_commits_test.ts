// What a crash of the database may lose of an upload.

import { openDatabase } from "../db/connection/database.ts";
import { appendChunk, insertUpload } from "../db/media/uploads.ts";
import { equal } from "./assert.ts";
import { ANN, withApp } from "./support.ts";

Deno.test("appendChunk() waits for the disk unless the chunk is lazy, and leaves the connection as it was", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    const [{ owner_id }] = await t.sql<[{ owner_id: number }]>`select id as owner_id from users`;
    const now = new Date();
    const keptMs = 1_000;
    await insertUpload(t.sql, { id: 1, owner_id, declared: "audio", length: 100, metadata: null, now });
    const database = openDatabase(t.database.address, { max: 1 });
    const connections = database.openBytes();
    const run = (text: string) => connections.run({ name: text, text, values: [] });
    /** Consecutive calls use the same connection. */
    const doesWait = () => run("select where current_setting('synchronous_commit') = 'on'");
    equal(await doesWait(), 1);
    for (const [offset, isLazy] of [true, false, true].entries()) {
      await run("begin");
      equal(
        await appendChunk(connections, { id: 1, offset, bytes: Uint8Array.of(offset), isLazy, now, keptMs }),
        true,
      );
      equal(await doesWait(), isLazy ? 0 : 1);
      await run("commit");
      equal(await doesWait(), 1);
    }
    equal(
      await appendChunk(connections, {
        id: 1,
        offset: 2,
        bytes: Uint8Array.of(1),
        isLazy: false,
        now,
        keptMs,
      }),
      false,
    );
    await database.close();
  }));
