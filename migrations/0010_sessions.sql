-- Sessions by when they ended, whether somebody ended them or their time did.

create index sessions_over on sessions ((coalesce(ended_at, expires_at)));
drop index sessions_ended;
