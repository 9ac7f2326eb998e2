-- As insert.sql, and both marks of the pair are moved as the service moves them: sent with the message, delivered once it
-- was told.
\set pair random(1, :pairs)
with stored as (
  insert into messages (conversation_id, id, sender_id, type, body, client_id, created_at)
  select id, nextval('message_ids'), low_id, 'text', 'Hello, it is me', 'bench-' || currval('message_ids'), now()
  from conversations
  where id = :pair and low_intent = 'want' and high_intent = 'want'
  returning id, conversation_id
), sent as (
  update conversations v
  set low_sent_id = greatest(low_sent_id, stored.id), last_message_at = now(), changed_at = now()
  from stored
  where v.id = stored.conversation_id
)
select pg_notify('bench', id::text) from stored;
update conversations set high_delivered_id = low_sent_id, changed_at = now() where id = :pair;
