// What happens by itself every hour to rows that nobody needs any more.

import { deepEqual, equal, match } from "node:assert/strict";

import { ROWS_AT_ONCE } from "../db/housekeeping.ts";
import { withApp } from "./support.ts";

Deno.test("deleteOldRows() takes all old rows and no others, 10,000 at once, whatever happens to another table", () =>
  withApp(async (t) => {
    await t.sql`
      insert into limits (key, hits, last_hit_at)
      select nth::text, '{}', ${t.clock.now()}::timestamptz - interval '2 days' * (nth > 0)::int
      from generate_series(0, ${2 * ROWS_AT_ONCE + 1}::int) as nth`;
    await t.sql`
      insert into passcodes (phone_number, purpose, nonce, key_id, expires_at)
      values ('+14155550101', 'signup', decode(repeat('00', 16), 'hex'), 'key', 'epoch')`;
    await t.sql.unsafe(`
      create table sweeps (count int);
      create function note() returns trigger language plpgsql as
        $$ begin insert into sweeps select count(*) from gone; return null; end $$;
      create trigger noted after delete on limits referencing old table as gone
        for each statement execute function note();
      create function refuse() returns trigger language plpgsql as $$ begin raise 'No'; end $$;
      create trigger refused before delete on passcodes for each row execute function refuse()`);

    await t.services.upkeep.deleteOldRows();
    const sweeps = await t.sql<{ count: number }[]>`select count from sweeps`;
    deepEqual(sweeps.map(({ count }) => count), [ROWS_AT_ONCE, ROWS_AT_ONCE, 1]);
    deepEqual((await t.sql`select key from limits`).map(({ key }) => key), ["0"]);
    equal((await t.sql`select from passcodes`).length, 1);
    const failures = t.log.filter((line) => line.includes("Upkeep failed"));
    equal(failures.length, 1);
    match(failures[0]!, /"ERROR"/);
  }));
