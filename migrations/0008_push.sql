-- Web Push: which browser is to be woken for which session, who is owed a wake, and who has a socket open anyway.

-- The row is the queue: who is owed a wake is due at `wake_at`, for the event of `wake_for`. `public_key` is the VAPID key
-- that the browser subscribed with; no other key can wake it.
create table push_subscriptions (
  session_id text primary key references sessions on delete cascade,
  user_id bigint not null references users,
  endpoint text not null check (char_length(endpoint) <= 1024),
  p256dh text not null check (char_length(p256dh) = 87),
  auth text not null check (char_length(auth) = 22),
  public_key text not null,
  expires_at timestamptz(3),
  created_at timestamptz(3) not null,
  wake_at timestamptz(3),
  wake_for text check (wake_for in ('messages_updated', 'contacts_updated')),
  woken_at timestamptz(3),
  failures smallint not null default 0 check (failures >= 0),
  check ((wake_at is null) = (wake_for is null))
);
create index push_subscriptions_of_user on push_subscriptions (user_id);
create index push_subscriptions_by_endpoint on push_subscriptions (endpoint);
create index push_subscriptions_due on push_subscriptions (wake_at) where wake_at is not null;

-- A subscription ends with its session, however that ends.
create function end_push_subscription() returns trigger language plpgsql as $$
begin
  delete from push_subscriptions where session_id = new.id;
  return null;
end $$;
create trigger sessions_ended after update of ended_at on sessions
for each row when (new.ended_at is not null) execute function end_push_subscription();

-- Which subscribed sessions have a socket at which process. What a crash leaves behind is believed until `until`.
create table push_presences (
  session_id text not null references push_subscriptions on delete cascade,
  process text not null,
  until timestamptz(3) not null,
  primary key (session_id, process)
);
create index push_presences_of_process on push_presences (process);

-- The VAPID pair that the service made for itself: once for each server secret, sealed with it, so that a copy of the
-- database wakes nobody and a change of secrets, one at a time, changes no key.
create table push_keys (
  sealed_by text primary key,
  public_key text not null,
  sealed bytea not null
);
