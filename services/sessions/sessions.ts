// Sessions: opened by a passcode, identified by tokens, ended by signing out or from another device. An ended
// session is rejected by every process within five seconds: usually at once through the bus, at the latest
// when its cached check expires.

import type { Database, Sql } from "../../db/connection/database.ts";
import * as sessions from "../../db/sessions.ts";
import { AppError, isUnavailable } from "../errors.ts";
import type { Bus } from "../events/bus.ts";
import type { Event } from "../events/events.ts";
import { createGroupCommit } from "../group_commit.ts";
import { describeError, log } from "../log.ts";
import type { PhoneNumber } from "../phone_number.ts";
import { RANDOM_NAME, randomName } from "../random_names.ts";
import { createRecent } from "../recent.ts";
import type { Tokens } from "./tokens.ts";

/** Who makes a request: a user, through one of their sessions. */
export interface Actor {
  user_id: number;
  phone_number: PhoneNumber;
  session_id: string;
}

export interface SessionToken {
  token: string;
  expires_at: Date;
}

export interface OpenedSession {
  session: SessionToken;
  event: Event;
}

const LIFETIME_MS = 30 * 24 * 60 * 60 * 1000;
/** How long a check is cached. Together with the time of the check itself it stays below five seconds. */
const CHECK_KEPT_MS = 4_000;
const CHECKS_MAX = 50_000;
/** Sessions per lookup statement, and such statements at a time. */
const LOOKS_MAX = 100;
const LOOKS_AT_ONCE_MAX = 4;
/** Sessions per statement that sets last_seen_at. */
const TOUCHES_MAX = 500;
/** The shortest time between two writes of a session's last_seen_at. */
const LAST_SEEN_STEP_MS = 60_000;

/** The result of looking up a session; `actor` is null if it was not live. */
interface Check {
  at: number;
  actor: Actor | null;
}

export type Sessions = ReturnType<typeof createSessions>;

export function createSessions(
  { database, bus, tokens, now }: { database: Database; bus: Bus; tokens: Tokens; now: () => Date },
) {
  const checks = createRecent<Check>({
    turnMs: CHECK_KEPT_MS,
    max: CHECKS_MAX,
  });
  /** Counts calls of `forget`. A lookup that began before one of them is not cached. */
  let forgotten = 0;
  /** Lookups are batched: after a restart or an outage everybody comes at once. */
  const looks = createGroupCommit<string, sessions.Session | null>({
    run: async (ids) => {
      const live = await database.run((sql) => sessions.findLiveSessions(sql, ids, now()));
      const byId = new Map(live.map((session) => [session.id, session]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    jobsMax: LOOKS_MAX,
    batchesMax: LOOKS_AT_ONCE_MAX,
  });
  const touches = createGroupCommit<string, void>({
    run: async (ids) => {
      await database.run((sql) => sessions.touchSessions(sql, ids, now()));
      return ids.map(() => undefined);
    },
    jobsMax: TOUCHES_MAX,
    batchesMax: 1,
  });

  /**
   * Opens a session within the transaction that lets the user in. `event` notifies the user's other sessions.
   */
  async function open(sql: Sql, userId: number, device: string): Promise<OpenedSession> {
    const at = now();
    const id = randomName();
    const expiresAt = endOfSession(at);
    await sessions.insertSession(sql, { id, user_id: userId, device, now: at, expires_at: expiresAt });
    return {
      session: await tokenOf(userId, id, expiresAt),
      event: { to: userId, event: "sessions_updated", except: id },
    };
  }

  async function tokenOf(userId: number, sessionId: string, expiresAt: Date): Promise<SessionToken> {
    const token = await tokens.sign({ user_id: userId, session_id: sessionId, expires_at: expiresAt });
    return { token, expires_at: expiresAt };
  }

  /**
   * Returns the actor of a token; synchronously if token and session were both checked recently, as for most
   * requests.
   * @throws AppError unauthenticated
   */
  function authenticate(token: string | null): Actor | Promise<Actor> {
    const at = now();
    const claims = token === null ? null : tokens.recall(token, at);
    const actor = claims && recall(claims.session_id, at)?.actor;
    return actor && actor.user_id === claims.user_id ? actor : lookUp(token, at);
  }

  async function lookUp(token: string | null, at: Date): Promise<Actor> {
    const claims = token === null ? null : await tokens.verify(token, at);
    const actor = claims && await check(claims.session_id);
    if (!actor || actor.user_id !== claims.user_id) throw new AppError("unauthenticated");
    return actor;
  }

  /** The cached check of a session, at most four seconds old. */
  function recall(id: string, at: Date): Check | undefined {
    const known = checks.get(id);
    return known && Math.abs(at.getTime() - known.at) < CHECK_KEPT_MS ? known : undefined;
  }

  /** The actor of a session; null if the session is not live. */
  async function check(id: string): Promise<Actor | null> {
    const at = now();
    const known = recall(id, at);
    if (known) return known.actor;
    const before = forgotten;
    const session = await looks.add(id);
    const actor = session && actorOf(session);
    // If a session ended during the lookup, the result may be outdated and is not cached.
    if (before === forgotten) checks.set(id, { at: at.getTime(), actor });
    if (session && at.getTime() - session.last_seen_at.getTime() > LAST_SEEN_STEP_MS) touch(id);
    return actor;
  }

  /** For long operations: checks that the session is still live. @throws AppError unauthenticated */
  async function confirm({ session_id }: Actor): Promise<void> {
    if (!await check(session_id)) throw new AppError("unauthenticated");
  }

  /**
   * Passes bytes on while the session is live, and checks once more after the last of them. An outage of the
   * database does not interrupt them; one at that final check makes it throw.
   * @throws AppError unauthenticated
   */
  async function* whileLive(me: Actor, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const some of bytes) {
      await confirm(me).catch((error) => {
        if (!isUnavailable(error)) throw error;
      });
      yield some;
    }
    await confirm(me);
  }

  function touch(id: string): void {
    touches.add(id).catch((error) => log.warn("Last use of a session not recorded", describeError(error)));
  }

  /** Extends the current session and signs a new token for it. @throws AppError unauthenticated */
  async function renew(me: Actor): Promise<SessionToken> {
    const at = now();
    const expiresAt = endOfSession(at);
    const extended = await database.run((sql) =>
      sessions.extendSession(sql, { id: me.session_id, now: at, expires_at: expiresAt })
    );
    if (!extended) throw new AppError("unauthenticated");
    forget(me.session_id);
    return await tokenOf(me.user_id, me.session_id, expiresAt);
  }

  async function list(me: Actor) {
    const rows = await database.run((sql) => sessions.listLiveSessions(sql, me.user_id, now()));
    return rows.map((row) => ({ ...row, current: row.id === me.session_id }));
  }

  /** Ends one of my sessions, which may be the current one. @throws AppError session_not_found */
  async function end(me: Actor, id: string): Promise<void> {
    if (!RANDOM_NAME.test(id) || !await endLive(me, id)) throw new AppError("session_not_found");
  }

  /** Ends the current session. If it has already ended, nothing happens. */
  async function signOut(me: Actor): Promise<void> {
    await endLive(me, me.session_id);
  }

  /** False if I have no such live session. */
  async function endLive(me: Actor, id: string): Promise<boolean> {
    const events: Event[] = [
      { to: me.user_id, event: "session_ended", session_id: id },
      { to: me.user_id, event: "sessions_updated", except: me.session_id },
    ];
    return await database.begin(async (sql) => {
      const session = await sessions.endSession(sql, { id, user_id: me.user_id, now: now() });
      if (session) await bus.announce(sql, events);
      return session !== null;
    }, (ended) => ended && bus.deliver(events));
  }

  /** Drops the cached check of a session. */
  function forget(id: string): void {
    forgotten += 1;
    checks.delete(id);
  }

  return { open, authenticate, confirm, whileLive, renew, list, end, signOut, forget };
}

function actorOf({ id, user_id, phone_number }: sessions.Session): Actor {
  return { user_id, phone_number: phone_number as PhoneNumber, session_id: id };
}

/** In whole seconds, like the `exp` of a token. */
function endOfSession(from: Date): Date {
  return new Date(Math.floor((from.getTime() + LIFETIME_MS) / 1000) * 1000);
}
