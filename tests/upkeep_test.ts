// The hourly deletion of rows that nobody needs any more.

import { deepEqual, equal, match } from "./assert.ts";

import { ROWS_AT_ONCE } from "../db/upkeep.ts";
import { withApp } from "./support.ts";

Deno.test("deleteOldRows() deletes, in every table, the rows that no rule needs any more, and none that only look old", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ago = (hours: number) => new Date(t.clock.now().getTime() - hours * 60 * 60 * 1_000);
    await t.sql`
      insert into users (phone_number, status, created_at) values ('+14155550101', 'active', 'epoch')`;
    // A session is kept until 30 days after it expired or ended, however old it is.
    await t.sql`
      insert into sessions (id, user_id, device, created_at, last_seen_at, expires_at, ended_at)
      select session.id, users.id, '', 'epoch', 'epoch', expires_at, ended_at
      from users, (values
        ('kept: renewed', ${ago(-1)}::timestamptz, null),
        ('kept: expired', ${ago(29 * 24)}, null),
        ('kept: ended', ${ago(60 * 24)}, ${ago(29 * 24)}::timestamptz),
        ('expired', ${ago(31 * 24)}, null),
        ('ended', ${ago(-1)}, ${ago(31 * 24)})
      ) as session (id, expires_at, ended_at)`;
    await t.sql`
      insert into passcodes (phone_number, purpose, nonce, key_id, expires_at)
      values ('+14155550101', 'signup', decode(repeat('00', 16), 'hex'), 'kept', ${ago(23)}),
        ('+14155550102', 'signup', decode(repeat('00', 16), 'hex'), 'old', ${ago(25)})`;
    await t.sql`
      insert into limits (key, hits, last_hit_at)
      values ('kept', array[${ago(90)}, ${ago(23)}]::timestamptz[], ${ago(23)}), ('old', '{}', ${ago(25)})`;
    await t.sql`insert into buckets (key, full_at) values ('kept', ${ago(0)}), ('old', ${ago(1)})`;
    await t.sql`
      insert into paid_passcodes (prefix, nonce, sent_at)
      values ('kept', '', ${ago(29 * 24)}), ('old', '', ${ago(31 * 24)})`;
    await t.sql`
      insert into tickets (hash, session_id, expires_at)
      values (decode(repeat('00', 32), 'hex'), 'kept: renewed', ${ago(0)}),
        (decode(repeat('01', 32), 'hex'), 'kept: renewed', ${ago(1)})`;

    await t.services.upkeep.deleteOldRows();
    const left = await Promise.all([
      t.sql`select id as name from sessions order by id`,
      t.sql`select key_id as name from passcodes`,
      t.sql`select key as name from limits`,
      t.sql`select key as name from buckets`,
      t.sql`select prefix as name from paid_passcodes`,
      t.sql`select get_byte(hash, 0)::text as name from tickets`,
    ]);
    deepEqual(left.map((rows) => rows.map(({ name }) => name)), [
      ["kept: ended", "kept: expired", "kept: renewed"],
      ...["kept", "kept", "kept", "kept"].map((name) => [name]),
      ["0"],
    ]);
  }));

Deno.test("deleteOldRows() deletes all old rows, 10,000 at a time, even if another table fails", () =>
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
