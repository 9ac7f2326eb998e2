-- The newest hundred messages of a thread.
\set pair random(1, :pairs)
select id, sender_id, type, body, media_id, seen_at, client_id, created_at
from messages
where conversation_id = :pair
order by id desc
limit 100;
