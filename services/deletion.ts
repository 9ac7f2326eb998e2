// Deletes accounts. Everything that others see of an account is gone with one commit. The messages of its
// pairs, perhaps millions, and its media are erased afterwards in steps, by whichever process gets to them
// first (`upkeep.ts`).

import * as accounts from "../db/accounts.ts";
import type { Database, Sql } from "../db/connection/database.ts";
import { AppError } from "./errors.ts";
import type { Bus } from "./events/bus.ts";
import type { Event } from "./events/events.ts";
import { NOBODYS_MS } from "./media/sweep.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Actor } from "./sessions/sessions.ts";

/** Attempts; each failed one means that a new pair with this account was created meanwhile. */
const ATTEMPTS_MAX = 5;

export type Deletion = ReturnType<typeof createDeletion>;

export function createDeletion(
  { database, bus, now, onDeleted }: {
    database: Database;
    bus: Bus;
    now: () => Date;
    /** Called when there are messages or media to erase. */
    onDeleted: () => void;
  },
) {
  /**
   * Deletes my account. Its number has to be given, so that it cannot happen by accident.
   * @throws AppError invalid_input if the number is another one; unauthenticated if the account does not
   * exist any more; unavailable if new pairs with it kept being created meanwhile
   */
  async function deleteAccount(me: Actor, phone: PhoneNumber): Promise<void> {
    if (phone !== me.phone_number) {
      throw new AppError("invalid_input", {
        issues: [{ path: "phone_number", message: "Must be your own" }],
      });
    }
    if (!await deleteUser(me.user_id)) throw new AppError("unauthenticated");
  }

  /** Deletes the accounts that the operator has marked, and returns how many. */
  async function deleteLeaving(): Promise<number> {
    const leaving = await database.run(accounts.listLeaving);
    let deleted = 0;
    for (const { id } of leaving) deleted += await deleteUser(id) ? 1 : 0;
    return deleted;
  }

  /** False if there is no such account. @throws AppError unavailable after ATTEMPTS_MAX attempts */
  async function deleteUser(userId: number): Promise<boolean> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const done = await attemptToDelete(userId);
      if (done !== "overtaken") return done;
    }
    throw new AppError("unavailable", { retryAfter: 1 });
  }

  /** `overtaken` if pairs were created meanwhile, which would have to be locked before the account. */
  async function attemptToDelete(userId: number): Promise<boolean | "overtaken"> {
    let news: Event[][] = [];
    return await database.begin(async (sql) => {
      const pairs = await accounts.lockPairsOf(sql, userId);
      const account = await accounts.lockAccount(sql, userId);
      if (!account) return false;
      if (await accounts.countPairsOf(sql, userId) !== pairs.length) return "overtaken";
      news = await deleteLocked(sql, userId, { pairs, phone: account.phone_number });
      for (const events of news) await bus.announce(sql, events);
      return true;
    }, (done) => {
      if (done !== true) return;
      news.forEach(bus.deliver);
      onDeleted();
    });
  }

  async function deleteLocked(
    sql: Sql,
    user_id: number,
    { pairs, phone }: { pairs: number[]; phone: string },
  ): Promise<Event[][]> {
    const at = now();
    await accounts.forgetUser(sql, user_id);
    const heir = await accounts.insertHeir(sql, { user_id, phone, now: at });
    if (heir) {
      await accounts.passInvites(sql, user_id, heir.id);
      await accounts.passRefusals(sql, user_id, heir.id);
    }
    const peers = await accounts.deletePairs(sql, user_id, pairs);
    const sessions = await accounts.endSessionsOf(sql, user_id, at);
    await accounts.ageMediaOf(sql, user_id, new Date(at.getTime() - NOBODYS_MS));
    const told = peers.filter(({ is_told }) => is_told);
    // A separate event, because the list may already show the number again, as a different user, when it is
    // fetched.
    const emptied = told.filter(({ has_messages }) => has_messages);
    return [
      sessions.map(({ id }) => ({ to: user_id, event: "session_ended", session_id: id })),
      // In a payload of its own: an older version of the service does not understand a payload that contains
      // it.
      [{ to: user_id, event: "account_deleted" }],
      [
        ...told.map(({ peer_id }): Event => ({ to: peer_id, event: "contacts_updated" })),
        ...emptied.map(({ peer_id }): Event => ({ to: peer_id, event: "messages_updated", sender: phone })),
      ],
    ];
  }

  return { deleteAccount, deleteLeaving };
}
