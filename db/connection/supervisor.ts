// A door to the database. Everything that goes through it ends within two seconds while the database cannot be reached.

import type { OutageWatch } from "./outage_watch.ts";
import { isElsewhere, isFromLiving, isHeldUp, isLoss, isOutage, OpeningRefused } from "./outages.ts";
import { DatabaseLockTimeout, DatabaseUnavailable } from "./unavailable.ts";
import { within } from "./within.ts";

/** What runs statements. After an outage it is replaced. */
export interface Connections {
  /** Asks the database something, whatever it is, on a connection of its own. */
  ask(): Promise<unknown>;
  /** Begins nothing any more. Resolves when what runs has ended; after so many seconds that is ended too. */
  end(seconds: number): Promise<void>;
}

export interface Supervisor<Open extends Connections> {
  /**
   * Lets `work` take its time while the database answers. When it does not, `onGiveUp` is called, and what comes of the work
   * is for nobody.
   * @throws DatabaseUnavailable
   */
  run<T>(work: (connections: Open) => Promise<T>, onGiveUp?: () => void): Promise<T>;
  /** Calls this whenever something failed for an outage and may have been committed all the same, or another server is asked. */
  onOutage(tell: () => void): void;
  close(): Promise<void>;
}

/** How long an operation may take before the database is asked whether it is there at all. */
const PATIENCE_MS = 900;
const ASKING_MS_MAX = 700;
/** Longer than this no operation takes, however alive the database is. */
export const OPERATION_MS_MAX = 10_000;
/** What runs on connections that are left behind may end within this time; by then LISTEN has noticed a gap too. */
const LEAVE_SECONDS = 10;
const CLOSE_SECONDS = 2;

/**
 * @param open is told what to call when the connection for asking was lost
 * @param watch hears of every failure, and of what worked after it
 */
export function openSupervisor<Open extends Connections>(
  open: (onAskingLost: () => void) => Open,
  watch: OutageWatch,
): Supervisor<Open> {
  let isAsked = false;
  const onAskingLost = () => void (isAsked = false);
  let connections = open(onAskingLost);
  let answering: Promise<boolean> | null = null;
  let leaving = 0;
  let isClosed = false;
  let tellOutage = () => {};

  /** Whether the database answers; one question at a time. That it takes no connection to be asked on is an answer. */
  function answers(): Promise<boolean> {
    answering ??= within(ASKING_MS_MAX, connections.ask())
      .then(() => true, isFromLiving)
      .finally(() => answering = null);
    return answering;
  }

  /**
   * So that the connection for asking is as old as the others: a new one may work where all of those were forgotten. Not
   * before one of those is open, which is to have the last that there is. Again when it was lost alone: it would be new where
   * those have been forgotten by then, and answer for them.
   */
  function askFirst(): void {
    isAsked = true;
    answers();
  }

  /** What runs on the old connections goes on; no statement is begun on them any more. */
  function startAnew(): void {
    if (isClosed) return;
    leaving += 1;
    connections.end(LEAVE_SECONDS).catch(() => {}).then(() => leaving -= 1);
    connections = open(onAskingLost);
    isAsked = false;
  }

  /**
   * A network that forgot a connection keeps it silent for a quarter of an hour; a new one need not be. Silent ones stay
   * open, so they are waited for before they are replaced again.
   */
  function leaveSilence(): void {
    if (leaving === 0) startAnew();
  }

  function giveUp(startedOn: Open, isAlive: boolean): DatabaseUnavailable {
    const why = isAlive ? "Statement takes too long" : "Database does not answer";
    const outage = new DatabaseUnavailable(why);
    if (startedOn !== connections) return outage;
    if (!isClosed) watch.failed(outage);
    leaveSilence();
    return outage;
  }

  async function run<T>(work: (connections: Open) => Promise<T>, onGiveUp = () => {}): Promise<T> {
    const startedAt = performance.now();
    const startedOn = connections;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let settled = false;
    const gaveUp = new Promise<never>((_, reject) => {
      const look = async () => {
        const isAlive = await answers();
        if (settled) return;
        if (isAlive && startedOn === connections && performance.now() - startedAt < OPERATION_MS_MAX) {
          timer = setTimeout(look, PATIENCE_MS);
        } else {
          onGiveUp();
          reject(giveUp(startedOn, isAlive));
        }
      };
      timer = setTimeout(look, PATIENCE_MS);
    });
    try {
      const result = await Promise.race([work(startedOn), gaveUp]);
      watch.worked();
      if (!isAsked && startedOn === connections) askFirst();
      return result;
    } catch (error) {
      const isOurs = startedOn === connections;
      // Where its connections were left meanwhile, why was told of another.
      if (isHeldUp(error)) {
        if (!isClosed) watch.heldUp(error);
        throw new DatabaseLockTimeout("Somebody else holds a lock", { cause: error });
      }
      if (isOutage(error) && isOurs && !isClosed) watch.failed(error);
      // Nothing was begun, so nothing may have been committed; and where others are open, they work.
      if (error instanceof OpeningRefused) {
        throw new DatabaseUnavailable("Database takes no connection", { cause: error });
      }
      // What the server itself refused is undone, and may be refused for hours: everybody fetches again only for what may
      // be committed, or may be elsewhere.
      if (error instanceof DatabaseUnavailable || isLoss(error) || isElsewhere(error)) tellOutage();
      if (!isOutage(error)) throw error;
      // postgres.js does not get over a lost connection: it may never flush what it writes to the next in its place, or
      // count the rows of an answer from where the last one broke off. So none of those beside a lost one is used again.
      if (isOurs && isLoss(error)) startAnew();
      if (isOurs && isElsewhere(error)) leaveSilence();
      throw new DatabaseUnavailable("Database cannot be reached", { cause: error });
    } finally {
      settled = true;
      clearTimeout(timer);
    }
  }

  return {
    run,
    onOutage: (tell) => void (tellOutage = tell),
    close() {
      isClosed = true;
      return connections.end(CLOSE_SECONDS);
    },
  };
}
