-- Voices and films: each a large object, the row that owns it, and the messages that carry it.

-- The id is random and says nothing; it is never the oid. `declared` is what the uploader called it, `kind` what its
-- tracks are. A resumable upload has a `length` to reach; `size` is what has arrived.
create table media (
  id bigint primary key check (id between 1 and 9007199254740991),
  owner_id bigint not null references users,
  oid oid not null unique,
  state text not null default 'uploading' check (state in ('uploading', 'ready')),
  declared text not null check (declared in ('audio', 'video')),
  length bigint check (length >= 0),
  size bigint not null default 0 check (size >= 0 and size <= coalesce(length, size)),
  kind text,
  media_type text,
  duration double precision check (duration >= 0),
  created_at timestamptz(3) not null,
  touched_at timestamptz(3) not null,
  check (state = 'uploading' or (kind = declared and media_type is not null))
);
create index media_of_owner on media (owner_id);
create index media_by_age on media (touched_at);

-- A row never goes without its large object.
create function unlink_large_object() returns trigger language plpgsql as $$
begin
  perform lo_unlink(old.oid) from pg_largeobject_metadata where oid = old.oid;
  return null;
end $$;
create trigger media_deleted after delete on media
for each row execute function unlink_large_object();

-- Media are seen one by one, so each of their messages remembers it.
alter table messages
  add column media_id bigint references media,
  add column seen_at timestamptz(3),
  add check ((type = 'text') = (media_id is null)),
  add check (type <> 'text' or seen_at is null);
create index messages_of_media on messages (media_id) where media_id is not null;
create index messages_unseen_media on messages (conversation_id, sender_id, id)
  where media_id is not null and seen_at is null;
