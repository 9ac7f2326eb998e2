// Friend requests and their answers, the contact lists that show them, and the names that people give their
// contacts.

import type { Database } from "../../db/connection/database.ts";
import { type ContactRow, listContacts } from "../../db/contacts.ts";
import { AppError } from "../errors.ts";
import { createGroupCommit } from "../group_commit.ts";
import type { DeviceInvite, Invites } from "../invites/invites.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { ContactChanges, Done } from "./contact_changes.ts";
import { type Status, statusOf } from "./contact_state.ts";

export interface Contact {
  phone_number: string;
  display_name: string;
  status: Status;
  last_touch_at: Date;
  unread_messages: number;
}

/**
 * My whole list after a call, and the invitation that my own phone is to send (INVITE_MODE=device), if any.
 */
export interface Acted {
  contacts: Contact[];
  invite: DeviceInvite | null;
}

/** Options of a request, beside the number. */
export interface RequestOptions {
  /** The client's address. */
  address: string;
  displayName?: string | undefined;
}

/** Lists read by one statement, and such statements at a time. */
const LISTS_MAX = 32;
const READS_MAX = 4;

export type Contacts = ReturnType<typeof createContacts>;

export function createContacts(
  { database, changes, invites }: {
    database: Database;
    changes: ContactChanges;
    invites: Pick<Invites, "invite">;
  },
) {
  const lists = createGroupCommit<number, ContactRow[]>({
    run: (ownerIds) => database.run((sql) => listContacts(sql, ownerIds)),
    jobsMax: LISTS_MAX,
    batchesMax: READS_MAX,
  });

  /** My whole list, or only the row of `phone`. */
  async function list(me: Actor, phone: PhoneNumber | null = null): Promise<Contact[]> {
    const rows = phone === null
      ? await lists.add(me.user_id)
      : (await database.run((sql) => listContacts(sql, [me.user_id], phone)))[0]!;
    return shown(rows);
  }

  /**
   * Sends a request, or accepts the peer's if there is one; returns the whole list. A new request to a number
   * without an account invites it.
   * @throws AppError own_number, the refusals of `decide`, and as `changes.change`
   */
  async function request(
    me: Actor,
    phone: PhoneNumber,
    { address, displayName }: RequestOptions,
  ): Promise<Acted> {
    refuseOwnNumber(me, phone);
    const changed = await changes.change({ action: "request", me, phone, address, displayName });
    const invite = changed.invites ? await invites.invite(me, phone, address) : null;
    return { contacts: await answer(me, changed), invite };
  }

  /**
   * Accepts a request or deletes a contact; returns the whole list.
   * @throws AppError own_number, the refusals of `decide`, and as `changes.change`
   */
  async function act(action: "accept" | "delete", me: Actor, phone: PhoneNumber): Promise<Contact[]> {
    refuseOwnNumber(me, phone);
    return await answer(me, await changes.change({ action, me, phone }));
  }

  /**
   * Sets my own name for a contact.
   * @throws AppError own_number, contact_not_found, and as `changes.change`
   */
  async function update(me: Actor, phone: PhoneNumber, displayName: string): Promise<Contact[]> {
    refuseOwnNumber(me, phone);
    return await answer(me, await changes.change({ action: "rename", me, phone, displayName }));
  }

  async function answer(me: Actor, done: Done): Promise<Contact[]> {
    if (done.refusal) throw new AppError(done.refusal);
    return done.list ? shown(done.list) : await list(me);
  }

  return { list, request, act, update };
}

/** The rows that the owner sees: a pair without a status for them is left out. */
function shown(rows: ContactRow[]): Contact[] {
  return rows.flatMap((row) => {
    const status = statusOf(row);
    if (status === null) return [];
    const { phone_number, display_name, last_touch_at, unread_messages } = row;
    return { phone_number, display_name, status, last_touch_at, unread_messages };
  });
}

function refuseOwnNumber(me: Actor, phone: PhoneNumber): void {
  if (phone === me.phone_number) throw new AppError("own_number");
}
