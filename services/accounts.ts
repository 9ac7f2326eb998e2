// Signing up and in: a passcode by SMS, then a session for who returned it.

import type { Database } from "../db/database.ts";
import { listAdmirers } from "../db/conversations.ts";
import { activateUser, findUser, holdUser } from "../db/users.ts";
import { AppError } from "./errors.ts";
import type { Bus } from "./events/bus.ts";
import type { Event } from "./events/events.ts";
import type { Asked, Passcodes } from "./passcodes.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Sessions, SessionToken } from "./sessions.ts";

/** A code that came back, from where, and for which device. */
export interface Completion {
  phone: PhoneNumber;
  passcode: string;
  device: string;
  address: string;
}

export type Accounts = ReturnType<typeof createAccounts>;

export function createAccounts(
  { database, bus, passcodes, sessions, now }: {
    database: Database;
    bus: Bus;
    passcodes: Passcodes;
    sessions: Sessions;
    now: () => Date;
  },
) {
  /** @throws AppError already_registered, and as `passcodes.ask` */
  async function signUp(phone: PhoneNumber): Promise<Asked> {
    if (await isRegistered(phone)) throw new AppError("already_registered");
    return await passcodes.ask(phone, "signup");
  }

  /** @throws AppError not_registered, and as `passcodes.ask` */
  async function signIn(phone: PhoneNumber): Promise<Asked> {
    if (!await isRegistered(phone)) throw new AppError("not_registered");
    return await passcodes.ask(phone, "signin");
  }

  async function isRegistered(phone: PhoneNumber): Promise<boolean> {
    const user = await database.run((sql) => findUser(sql, phone));
    return user !== null && user.status !== "invited";
  }

  /** Makes the account, and tells everybody who waits for it. @throws AppError as `passcodes.redeem` */
  async function completeSignUp({ phone, passcode, device, address }: Completion): Promise<SessionToken> {
    const done = await passcodes.redeem({ phone, purpose: "signup", passcode, address }, async (sql) => {
      const user = await activateUser(sql, phone, now());
      if (!user) return null;
      const admirers = await listAdmirers(sql, user.id);
      const { session } = await sessions.open(sql, user.id, device);
      const events = admirers.map((to): Event => ({ to, event: "contacts_updated" }));
      await bus.announce(sql, events);
      return { session, events };
    }, (done) => done && bus.deliver(done.events));
    if (!done) throw new AppError("already_registered");
    return done.session;
  }

  /** Makes a session, and tells the others of the user. @throws AppError suspended, and as `passcodes.redeem` */
  async function completeSignIn({ phone, passcode, device, address }: Completion): Promise<SessionToken> {
    const opened = await passcodes.redeem({ phone, purpose: "signin", passcode, address }, async (sql) => {
      // Held, so that a suspension comes before the session, or after it and ends it.
      const user = await holdUser(sql, phone);
      if (user?.status !== "active") return null;
      const opened = await sessions.open(sql, user.id, device);
      await bus.announce(sql, [opened.event]);
      return opened;
    }, (opened) => opened && bus.deliver([opened.event]));
    if (!opened) throw new AppError("suspended");
    return opened.session;
  }

  return { signUp, signIn, completeSignUp, completeSignIn };
}
