-- People, their sessions, and the passcodes that let them in.

create table users (
  id bigint generated always as identity primary key,
  phone_number text not null unique check (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
  status text not null check (status in ('invited', 'active', 'suspended')),
  created_at timestamptz(3) not null
);

create table sessions (
  id text primary key,
  user_id bigint not null references users,
  device text not null check (char_length(device) <= 64),
  created_at timestamptz(3) not null,
  last_seen_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  ended_at timestamptz(3)
);
create index sessions_of_user on sessions (user_id) where ended_at is null;
create index sessions_ended on sessions (ended_at) where ended_at is not null;

-- Suspending somebody is one update of users.status; his sessions end with it.
create function end_sessions_of_suspended() returns trigger language plpgsql as $$
begin
  update sessions
  set ended_at = clock_timestamp()
  where user_id = new.id and ended_at is null;
  return null;
end $$;
create trigger users_suspended after update of status on users
for each row when (new.status = 'suspended') execute function end_sessions_of_suspended();

-- One challenge a number and purpose. The code is not here: it is derived from the nonce and a key outside.
create table passcodes (
  phone_number text not null check (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
  purpose text not null check (purpose in ('signup', 'signin')),
  nonce bytea not null check (length(nonce) = 16),
  key_id text not null,
  attempts smallint not null default 0 check (attempts between 0 and 5),
  expires_at timestamptz(3) not null,
  used_at timestamptz(3),
  sent_at timestamptz(3)[] not null default '{}',
  primary key (phone_number, purpose)
);
create index passcodes_expired on passcodes (expires_at);

-- What was counted against a limit, newest last: an exact sliding window, changed by one statement at a time.
create table limits (
  key text primary key,
  hits timestamptz(3)[] not null,
  last_hit_at timestamptz(3) not null
);
create index limits_idle on limits (last_hit_at);

-- Numbers that no SMS may go to.
create table suppressions (
  phone_number text primary key check (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
  reason text not null check (reason in ('carrier_stop')),
  created_at timestamptz(3) not null
);
