-- Accounts that are deleted: who had one leaves an id and nothing else, and what was written with him goes bit by bit.

-- Whoever reads people goes on meanwhile, and so does all that names them; then all locks at once, people last of those that
-- others use before them.
create index users_leaving on users (id) where status = 'leaving';
lock table contacts, conversations, users, invites, push_presences in access exclusive mode;

-- `leaving` is for whoever runs the service: it ends the sessions, as `suspended` does, and the service deletes the account.
-- The number of a deleted one is free for a new one, which is another person's for all we know. Of those who are there the
-- constraints of before have said as much: to read them all again would keep everybody waiting.
alter table users
  drop constraint users_status_check,
  add constraint users_status_check check (status in ('invited', 'active', 'suspended', 'leaving', 'deleted')) not valid,
  add constraint users_number_check check ((status = 'deleted') = (phone_number is null)) not valid,
  alter column phone_number drop not null;

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

-- Whoever makes a pair or an invitation waits for a deletion of either of the two, and is told to look again, as by any other
-- change: also a process of an older version, which knows of no deletion.
create function undo_for_deleted() returns trigger language plpgsql as $$
begin
  perform undo_unless((
    select count(*)
    from (
      select
      from users
      where id in ((to_jsonb(new) ->> tg_argv[0])::bigint, (to_jsonb(new) ->> tg_argv[1])::bigint)
        and status <> 'deleted'
      order by id
      for key share
    ) as there
  ) = 2);
  return null;
end $$;
create trigger conversations_made after insert on conversations
for each row execute function undo_for_deleted('low_id', 'high_id');
create trigger invites_made after insert on invites
for each row execute function undo_for_deleted('inviter_id', 'invitee_id');

-- An invitation of or to an account that is gone: it counts against the limits of its numbers, and is nothing else any more.
alter table invites add column is_past boolean not null default false;

-- Nobody asks for it.
drop index push_presences_of_process;
