-- Invitations: an SMS with a link to a number without an account, for each inviter and within limits for all of them.

-- The token of the link is not here, only its hash. `sms` is what became of the SMS: `sending` is also what a crash left
-- behind; `withheld` by a limit over all inviters, an opt-out or the numbering plan, and `over` by the inviter's own
-- limit; `none` where the inviter's own phone sends it.
create table invites (
  id bigint generated always as identity primary key,
  inviter_id bigint not null references users,
  invitee_id bigint not null references users,
  token_hash bytea not null unique check (length(token_hash) = 32),
  sms text not null check (sms in ('none', 'withheld', 'over', 'sending', 'sent', 'failed', 'undelivered')),
  provider_id text,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null check (expires_at > created_at),
  check (inviter_id <> invitee_id)
);
create index invites_of_inviter on invites (inviter_id, created_at);
create index invites_of_invitee on invites (invitee_id, created_at);
-- Not unique: that a provider names each SMS once is its promise, and nothing of ours should fail with it.
create index invites_provider on invites (provider_id) where provider_id is not null;

-- "Never invite me again" stops invitations; a carrier's STOP stops every SMS.
alter table suppressions
  drop constraint suppressions_reason_check,
  add constraint suppressions_reason_check check (reason in ('carrier_stop', 'no_invitations')),
  drop constraint suppressions_pkey,
  add primary key (phone_number, reason);

-- What became of a passcode's last SMS, by the provider's callback.
alter table passcodes
  add column provider_id text,
  add column last_delivery text check (last_delivery in ('sent', 'undelivered'));
create index passcodes_provider on passcodes (provider_id) where provider_id is not null;
