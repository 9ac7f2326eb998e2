-- A bucket that a wrong clock has filled keeps nobody out for longer than it takes to refill.

-- When it was last found so, and made an empty one by the clock of who then took of it.
alter table buckets add column mended_at timestamptz;

create function us_between(earlier timestamptz, later timestamptz) returns bigint language sql immutable as $$
  select (extract(epoch from later - earlier) * 1000000)::bigint
$$;

-- Whether it was filled by a clock that is more than a minute ahead of this moment.
create function is_of_wrong_clock(full_at timestamptz, asked_at timestamptz, capacity bigint) returns boolean
language sql immutable as $$
  select us_between(asked_at, full_at) > capacity + 60000000
$$;

-- What a bucket lacks, in microseconds of refilling. One that a wrong clock has filled has one use left, and who takes that
-- makes it an empty one: a refusal could not, because it is undone with all that it wrote. But only once in the time that it
-- takes to refill, because two processes whose clocks stay apart would find new uses for each other without an end. Until
-- then it lacks so much that the wait is until that time, or until its level can be believed.
create function owed_us(full_at timestamptz, mended_at timestamptz, asked_at timestamptz, step bigint, capacity bigint)
returns bigint language sql immutable as $$
  select case
    when not is_of_wrong_clock(full_at, asked_at, capacity) then greatest(0, us_between(asked_at, full_at))
    when mended_at is null or us_between(mended_at, asked_at) not between -60000000 and capacity - 1 then capacity - step
    when us_between(mended_at, full_at) > 2 * capacity + 60000000
      then 2 * capacity - step - us_between(mended_at, asked_at)
    else us_between(asked_at, full_at)
  end
$$;

create or replace function take_uses(keys text[], steps bigint[], capacities bigint[], asked_at timestamptz,
  out wait bigint, out owed bigint[]) language plpgsql as $$
declare
  held record;
begin
  wait := 0;
  owed := '{}';
  for i in 1 .. cardinality(keys) loop
    -- Again where somebody else made the row, or deleted it, in between.
    loop
      select full_at, mended_at into held from buckets where key = keys[i] for update;
      exit when found;
      insert into buckets (key, full_at) values (keys[i], asked_at) on conflict (key) do nothing;
    end loop;
    owed[i] := owed_us(held.full_at, held.mended_at, asked_at, steps[i], capacities[i]);
    wait := greatest(wait, owed[i] + steps[i] - capacities[i]);
  end loop;
  if wait = 0 then
    for i in 1 .. cardinality(keys) loop
      owed[i] := owed[i] + steps[i];
      update buckets
      set full_at = asked_at + owed[i] * interval '1 microsecond',
        mended_at = case when is_of_wrong_clock(full_at, asked_at, capacities[i]) then asked_at else mended_at end
      where key = keys[i];
    end loop;
  end if;
end $$;
