-- Limits that all processes share, and what became of the SMS that were paid for.

-- A bucket that is full has no row. The key has nothing in clear: what is counted (an address, a prefix, a user) is
-- hashed under a key from outside.
create table buckets (
  key text primary key,
  full_at timestamptz not null
);
create index buckets_full on buckets (full_at);

-- Takes one use of every bucket, or of none. A use costs a bucket its step, in microseconds; a bucket holds its capacity.
-- The rows are locked in the order in which they are given, which has to be the same everywhere. `wait` is how long none
-- is to be had, 0 when all were taken; `owed` is what each bucket then lacks.
create function take_uses(keys text[], steps bigint[], capacities bigint[], asked_at timestamptz,
  out wait bigint, out owed bigint[]) language plpgsql as $$
declare
  full_since timestamptz;
begin
  wait := 0;
  owed := '{}';
  for i in 1 .. cardinality(keys) loop
    -- Again where somebody else made the row, or deleted it, in between.
    loop
      select full_at into full_since from buckets where key = keys[i] for update;
      exit when found;
      insert into buckets (key, full_at) values (keys[i], asked_at) on conflict (key) do nothing;
    end loop;
    owed[i] := greatest(0, (extract(epoch from full_since - asked_at) * 1000000)::bigint);
    wait := greatest(wait, owed[i] + steps[i] - capacities[i]);
  end loop;
  if wait = 0 then
    for i in 1 .. cardinality(keys) loop
      owed[i] := owed[i] + steps[i];
      update buckets set full_at = asked_at + owed[i] * interval '1 microsecond' where key = keys[i];
    end loop;
  end if;
end $$;

-- Keys had the number and the address in clear. What a day had counted is forgotten once.
delete from limits;

-- Passcodes that were paid for, by prefix (the number less its last four digits, hashed). The nonce is the challenge's,
-- whose code may have been sent more than once.
create table paid_passcodes (
  id bigint generated always as identity primary key,
  prefix text not null,
  nonce bytea not null,
  sent_at timestamptz(3) not null,
  verified boolean not null default false
);
create index paid_passcodes_of_prefix on paid_passcodes (prefix, id desc);
create index paid_passcodes_of_nonce on paid_passcodes (nonce) where not verified;
create index paid_passcodes_by_age on paid_passcodes (sent_at);
