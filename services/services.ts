// Creates all services and passes each one what it depends on.

import type { Database } from "../db/connection/database.ts";
import { ping } from "../db/connection/ping.ts";
import { createAccounts } from "./accounts.ts";
import type { Config } from "./config.ts";
import { createContactChanges } from "./contacts/contact_changes.ts";
import { createContacts } from "./contacts/contacts.ts";
import { createDeletion } from "./deletion.ts";
import { createBus, createProcessName } from "./events/bus.ts";
import type { Event } from "./events/events.ts";
import { createHub } from "./events/hub.ts";
import { createFormTokens } from "./form_tokens.ts";
import { createInvitees } from "./invitees.ts";
import { createInvites } from "./invites/invites.ts";
import { createHeadCount } from "./limits/head_count.ts";
import { createLimitKeys } from "./limits/keys.ts";
import { createLimiter } from "./limits/limiter.ts";
import { createMemoryLimiter } from "./limits/memory_limiter.ts";
import { createLibrary } from "./media/library.ts";
import { createMediaLinks } from "./media/links.ts";
import { createMediaSweep } from "./media/sweep.ts";
import { createUploads } from "./media/uploads.ts";
import { createDeliveries } from "./messages/deliveries.ts";
import { createMarks } from "./messages/marks.ts";
import { createMessages } from "./messages/messages.ts";
import { createNewest } from "./messages/newest.ts";
import { createSends } from "./messages/sends.ts";
import { createThreads } from "./messages/threads.ts";
import { logDatabaseNews, logHearing } from "./outage_log.ts";
import { createPasscodeKeys } from "./passcodes/passcode_keys.ts";
import { createPasscodes } from "./passcodes/passcodes.ts";
import { createPush } from "./push/push.ts";
import { createResync } from "./resync.ts";
import { createSessions } from "./sessions/sessions.ts";
import { createTickets } from "./sessions/tickets.ts";
import { createTokens } from "./sessions/tokens.ts";
import { createSideReader } from "./side_reader.ts";
import { createSmsBudget, UNPAID } from "./sms/budget.ts";
import type { ConsoleSms } from "./sms/console.ts";
import { createSmsDispatch } from "./sms/dispatch.ts";
import type { SmsSender } from "./sms/sender.ts";
import { createTwilioCallbacks } from "./sms/twilio_callbacks.ts";
import { createUpkeep } from "./upkeep.ts";

export interface Dependencies {
  config: Config;
  database: Database;
  /** The first secret signs, all of them verify. */
  secrets: readonly string[];
  sms: SmsSender | ConsoleSms;
  now: () => Date;
  /** Milliseconds from a monotonic clock, one that nobody sets. */
  elapsedMs: () => number;
}

export type Services = ReturnType<typeof createServices>;

export function createServices({ config, database, secrets, sms, now, elapsedMs }: Dependencies) {
  const processName = createProcessName();
  const hear = (event: Event) => {
    if (event.event === "session_ended") sessions.forget(event.session_id);
    if (event.event === "account_deleted") resync.forgetThreads();
    hub.tell(event);
  };
  const bus = createBus(processName, (event) => {
    hear(event);
    // Only for events of this process: every process queues the pushes for its own changes.
    push.hear(event);
  }, hear);

  const sessions = createSessions({ database, bus, tokens: createTokens(secrets), now });
  const limitKeys = createLimitKeys(secrets);
  const limiter = createLimiter({ database, limits: config.limits, keys: limitKeys, now });
  const isWatched = config.limits.sms_prefix !== null;
  const budget = sms.paid ? createSmsBudget({ limiter, keys: limitKeys, isWatched }) : UNPAID;
  const dispatch = createSmsDispatch({
    database,
    sender: sms,
    enabled: config.smsEnabled,
    countries: config.smsCountries,
    testPasscodes: config.testPasscodes,
    now,
  });
  const passcodes = createPasscodes({
    database,
    sms: dispatch,
    budget,
    limiter,
    limitKeys,
    keys: createPasscodeKeys(secrets),
    now,
    lifetimeMs: config.passcodeTtlMs,
    host: new URL(config.publicUrl).hostname,
    testPasscodes: config.testPasscodes,
  });
  const accounts = createAccounts({
    database,
    bus,
    limiter,
    passcodes,
    sessions,
    now,
    uniform: config.uniformAuth,
  });
  const invites = createInvites({
    database,
    sms: dispatch,
    budget,
    now,
    publicUrl: config.publicUrl,
    mode: config.inviteMode,
  });
  const { inviteMode } = config;
  const changes = createContactChanges({ database, bus, limiter, now, inviteMode });
  const contacts = createContacts({ database, changes, invites });
  const invitees = createInvitees({ invites, accounts, contacts, sessions, uniform: config.uniformAuth });
  const threads = createThreads({ database });
  const sideReader = createSideReader({ database });
  const messageLimiter = createMemoryLimiter({ rates: config.limits.messages, elapsedMs });
  const sends = createSends({ database, threads, bus, limiter: messageLimiter, now });
  const marks = createMarks({ database, bus, threads, sideReader, now });
  const deliveries = createDeliveries({ database, marks });
  const newest = createNewest({ database });
  const messages = createMessages({ database, threads, sideReader, newest, sends, marks, deliveries });

  const uploads = createUploads({
    database,
    now,
    uploadBytesMax: config.maxUploadBytes,
    quotaBytes: config.mediaQuotaBytes,
    limiter: createMemoryLimiter({ rates: config.limits.uploads, elapsedMs }),
  });
  const library = createLibrary({ database, links: createMediaLinks({ secrets, now }) });
  const mediaSweep = createMediaSweep({ database, now });

  const push = createPush({
    database,
    secrets,
    process: processName,
    now,
    hosts: config.pushHosts,
    vapidPair: config.vapidPair,
    vapidSubject: config.vapidSubject,
  });
  const hub = push.watch(createHub({
    socketsPerUserMax: config.limits.sockets_user?.count ?? Infinity,
    onDelivered: (me, sender, { conversation_id, sender_id, message_id }) => {
      push.notified(me);
      deliveries.notified(me, { conversation_id, peer_id: sender_id }, sender, message_id);
    },
  }));
  const upkeep = createUpkeep({
    database,
    hub,
    hear,
    mediaSweep,
    deleteLeaving: () => deletion.deleteLeaving(),
    now,
  });
  const deletion = createDeletion({ database, bus, now, onDeleted: upkeep.eraseSoon });
  const resync = createResync({ database, threads, newest, hub, upkeep });
  database.onOutage(() => {
    bus.noteUnknownOutcome();
    resync.afterOutage();
  });
  database.onNews(logDatabaseNews);

  return {
    sessions,
    tickets: createTickets({ database, now }),
    accounts,
    deletion,
    contacts,
    invites,
    invitees,
    twilioCallbacks: config.sms.driver === "twilio"
      ? createTwilioCallbacks({ database, authToken: config.sms.authToken, publicUrl: config.publicUrl, now })
      : null,
    formTokens: createFormTokens({ secrets, now }),
    messages,
    marks,
    deliveries,
    uploads,
    library,
    hub: {
      ...hub,
      closeAll() {
        hub.closeAll();
        deliveries.flush();
      },
    },
    socketsByAddress: createHeadCount(config.limits.sockets_address?.count ?? Infinity),
    stuckSockets: createHeadCount(config.limits.sockets_user?.count ?? Infinity),
    push,
    upkeep,
    /** Resolves when the database answers. @throws DatabaseUnavailable */
    ready: () => database.run(ping),
    console: "sent" in sms ? sms : null,
    now,
    /** Handlers for announcements of other processes, and for gaps in which some may have been lost. */
    fromOthers: {
      onPayload(payload: string) {
        if (!bus.receive(payload)) resync.afterOutage();
      },
      onGap: resync.afterGap,
      ...logHearing,
    },
  };
}
