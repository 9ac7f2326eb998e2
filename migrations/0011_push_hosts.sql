-- Wakes are taken by the host of their push service, so that one that hangs holds up none of the others.

alter table push_subscriptions
  add column host text not null generated always as (split_part(endpoint, '/', 3)) stored;
create index push_subscriptions_due_at_host on push_subscriptions (host, wake_at) where wake_at is not null;
drop index push_subscriptions_due;
