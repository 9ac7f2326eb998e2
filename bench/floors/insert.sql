-- Stores one message, if both sides want it: the minimal work of a send.
\set pair random(1, :pairs)
insert into messages (conversation_id, id, sender_id, type, body, client_id, created_at)
select id, nextval('message_ids'), low_id, 'text', 'Hello, it is me', 'bench-' || currval('message_ids'), now()
from conversations
where id = :pair and low_intent = 'want' and high_intent = 'want';
