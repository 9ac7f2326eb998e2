// What a crash of the database may lose of an upload.

import { equal } from "node:assert/strict";
import { appendChunk, insertUpload } from "../db/media.ts";
import { ANN, withApp } from "./support.ts";

Deno.test("appendChunk() waits for the disk unless the chunk is lazy, and leaves the connection as it was", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    const [{ owner_id }] = await t.sql<[{ owner_id: number }]>`select id as owner_id from users`;
    const now = new Date();
    await insertUpload(t.sql, { id: 1, owner_id, declared: "audio", length: 100, metadata: null, now });
    const [{ usual }] = await t.sql<
      [{ usual: string }]
    >`select current_setting('synchronous_commit') as usual`;
    for (const [place, isLazy] of [true, false, true].entries()) {
      const commits = await t.sql.begin(async (sql) => {
        await appendChunk(sql, { id: 1, offset: place, bytes: Uint8Array.of(place), isLazy, now });
        const [row] = await sql`select current_setting('synchronous_commit') as commits`;
        return row!.commits;
      });
      equal(commits, isLazy ? "off" : usual);
      const [after] = await t.sql`select current_setting('synchronous_commit') as commits`;
      equal(after!.commits, usual);
    }
  }));
