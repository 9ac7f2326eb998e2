-- Tickets for WebSockets: each opens one, within a minute, in the name of the session that asked for it. The ticket is
-- not here, only its hash.

create table tickets (
  hash bytea primary key check (length(hash) = 32),
  session_id text not null references sessions on delete cascade,
  expires_at timestamptz(3) not null
);
create index tickets_of_session on tickets (session_id, expires_at);
create index tickets_expired on tickets (expires_at);
