-- Contact changes that are judged before they are locked: what they write is written whole or not at all.

-- For the end of a statement that writes only where nothing has changed since somebody looked.
create function undo_unless(is_whole boolean) returns boolean language plpgsql as $$
begin
  if not is_whole then
    raise exception 'Overtaken by another change' using errcode = 'PT001';
  end if;
  return true;
end $$;

-- Room for a list's row to be touched where it stands.
alter table contacts set (fillfactor = 80);

-- Pairs are never deleted, so nobody looks for the lists of one.
drop index contacts_of_conversation;
