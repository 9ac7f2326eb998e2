-- A request and an acceptance: two commits that write both lists. With `told` both sides are notified of each, as the
-- service has to for their sockets.
\set low random(1, :people)
\set high :low + :people
begin;
insert into conversations (low_id, high_id, low_intent) values (:low, :high, 'want')
on conflict (low_id, high_id) do update set low_intent = 'want';
insert into contacts (owner_id, peer_id, conversation_id, changed_at)
select owner_id, peer_id, id, now()
from conversations, (values (:low::bigint, :high::bigint), (:high, :low)) as side (owner_id, peer_id)
where low_id = :low and high_id = :high
on conflict (owner_id, peer_id) do update set changed_at = now();
\if :told
select pg_notify('bench', :low || ' ' || :high);
\endif
commit;
begin;
update conversations set high_intent = 'want', ever_accepted = true where low_id = :low and high_id = :high;
update contacts set changed_at = now() where owner_id = :low and peer_id = :high;
update contacts set changed_at = now() where owner_id = :high and peer_id = :low;
\if :told
select pg_notify('bench', :high || ' ' || :low);
\endif
commit;
