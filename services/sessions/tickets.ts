// Tickets stand in for a token in the address of a WebSocket, because addresses end up in logs and histories.
// A ticket opens one socket, within a minute, on any process, for the session that asked for it.

import type { Database } from "../../db/connection/database.ts";
import { findTicket, insertTicket, takeTicket } from "../../db/tickets.ts";
import { AppError } from "../errors.ts";
import type { PhoneNumber } from "../phone_number.ts";
import { hashOfName, RANDOM_NAME, randomName } from "../random_names.ts";
import type { Actor } from "./sessions.ts";

export const TICKET_SECONDS = 60;
/** Unused tickets of a session; beyond that the oldest is dropped. */
const UNUSED_MAX = 20;

export type Tickets = ReturnType<typeof createTickets>;

export function createTickets({ database, now }: { database: Database; now: () => Date }) {
  /** @throws AppError unauthenticated if the session has just ended */
  async function issue(me: Actor): Promise<string> {
    const at = now();
    const ticket = randomName();
    const stored = {
      hash: await hashOfName(ticket),
      session_id: me.session_id,
      expires_at: new Date(at.getTime() + TICKET_SECONDS * 1000),
      now: at,
      max: UNUSED_MAX,
    };
    if (!await database.run((sql) => insertTicket(sql, stored))) throw new AppError("unauthenticated");
    return ticket;
  }

  /**
   * Returns whose ticket it is, without using it up.
   * @throws AppError unauthenticated if the ticket is unknown, used or expired, or its session has ended
   */
  function find(ticket: string): Promise<Actor> {
    return actorBy(findTicket, ticket);
  }

  /** Uses a ticket up. @throws AppError unauthenticated as `find`, and if another request was faster */
  function redeem(ticket: string): Promise<Actor> {
    return actorBy(takeTicket, ticket);
  }

  async function actorBy(look: typeof findTicket, ticket: string): Promise<Actor> {
    const hash = RANDOM_NAME.test(ticket) ? await hashOfName(ticket) : null;
    const found = hash && await database.run((sql) => look(sql, hash, now()));
    if (!found) throw new AppError("unauthenticated");
    return { ...found, phone_number: found.phone_number as PhoneNumber };
  }

  return { issue, find, redeem };
}
