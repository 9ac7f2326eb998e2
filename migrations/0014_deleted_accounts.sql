-- Accounts that are deleted: who had one leaves an id and nothing else, and what was written with him goes bit by bit.

-- `leaving` is for whoever runs the service: it ends the sessions, as `suspended` does, and the service deletes the account.
-- The number of a deleted one is free for a new one, which is another person's for all we know.
alter table users
  alter column phone_number drop not null,
  drop constraint users_status_check,
  add constraint users_status_check check (status in ('invited', 'active', 'suspended', 'leaving', 'deleted')),
  add constraint users_number_check check ((status = 'deleted') = (phone_number is null));
create index users_leaving on users (id) where status = 'leaving';

drop trigger users_suspended on users;
alter function end_sessions_of_suspended() rename to end_sessions_of_user;
create trigger users_suspended after update of status on users
for each row when (new.status in ('suspended', 'leaving')) execute function end_sessions_of_user();

-- The pair and both lists go with the account, all at once; its row here is what says that its messages have to follow.
create table erasures (
  conversation_id bigint primary key
);

-- Pairs go with either account. Whoever writes a list's row holds its pair.
alter table contacts drop constraint contacts_conversation_id_fkey;

-- An invitation of or to an account that is gone: it counts against the limits of its numbers, and is nothing else any more.
alter table invites add column is_past boolean not null default false;

-- Nobody asks for it.
drop index push_presences_of_process;
