-- Accounts that are deleted: who had one leaves an id and nothing else, and what was written with him goes bit by bit.

-- The number of a deleted account is free for a new one, which is another person's for all we know.
alter table users
  alter column phone_number drop not null,
  drop constraint users_status_check,
  add constraint users_status_check check (status in ('invited', 'active', 'suspended', 'deleted')),
  add constraint users_number_check check ((status = 'deleted') = (phone_number is null));

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
