-- Pairs of people: what each wants of the other, their messages, and how far each has read.

create type intent as enum ('none', 'want', 'refuse');

-- The row is the lock of the pair and the only copy of the intents. The marks of a side are that person's as
-- a receiver; sent_id is the newest message that the side sent, so that nobody needs to scan for it.
create table conversations (
  id bigint generated always as identity primary key,
  low_id bigint not null references users,
  high_id bigint not null references users,
  low_intent intent not null default 'none',
  high_intent intent not null default 'none',
  ever_accepted boolean not null default false,
  last_message_at timestamptz(3),
  low_sent_id bigint not null default 0,
  high_sent_id bigint not null default 0,
  low_delivered_id bigint not null default 0,
  high_delivered_id bigint not null default 0,
  low_seen_text_id bigint not null default 0,
  high_seen_text_id bigint not null default 0,
  changed_at timestamptz(3) not null default clock_timestamp(),
  unique (low_id, high_id),
  check (low_id < high_id),
  check (ever_accepted or not (low_intent = 'want' and high_intent = 'want')),
  check (not ever_accepted or (low_intent <> 'none' and high_intent <> 'none')),
  check (low_delivered_id >= low_seen_text_id and high_delivered_id >= high_seen_text_id)
) with (fillfactor = 60);

-- What only the owner sees of a peer. The row exists exactly while the owner's list shows the peer.
create table contacts (
  owner_id bigint not null references users,
  peer_id bigint not null references users,
  conversation_id bigint not null references conversations,
  display_name text not null default '' check (char_length(display_name) <= 50),
  changed_at timestamptz(3) not null,
  primary key (owner_id, peer_id),
  check (owner_id <> peer_id)
);
create index contacts_of_conversation on contacts (conversation_id);

create sequence message_ids as bigint maxvalue 9007199254740991;

-- No foreign key to conversations: every insert reads the pair's locked row, and pairs are never deleted.
create table messages (
  conversation_id bigint not null,
  id bigint not null,
  sender_id bigint not null,
  type text not null check (type in ('text', 'audio', 'video')),
  body text not null check (char_length(body) <= 4096 and (type <> 'text' or body <> '')),
  client_id text check (char_length(client_id) between 1 and 64),
  created_at timestamptz(3) not null,
  primary key (conversation_id, id)
);
create unique index messages_client_id on messages (conversation_id, sender_id, client_id)
  where client_id is not null;

-- Each pair as each of the two sees it: what a reader of one side needs, without low and high.
create view sides as
select id as conversation_id, low_id as me_id, high_id as peer_id, low_intent as mine, high_intent as theirs,
  ever_accepted, last_message_at, changed_at,
  low_delivered_id as my_delivered_id, low_seen_text_id as my_seen_text_id,
  high_delivered_id as peer_delivered_id, high_seen_text_id as peer_seen_text_id,
  high_sent_id as peer_sent_id
from conversations
union all
select id, high_id, low_id, high_intent, low_intent,
  ever_accepted, last_message_at, changed_at,
  high_delivered_id, high_seen_text_id,
  low_delivered_id, low_seen_text_id,
  low_sent_id
from conversations;
