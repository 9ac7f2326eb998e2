// Supervises the connections to the database: while it cannot be reached, every operation ends within two
// seconds.

import type { OutageWatch } from "./outage_watch.ts";
import { isElsewhere, isFromLiving, isHeldUp, isLoss, isOutage, OpeningRefused } from "./outages.ts";
import { DatabaseLockTimeout, DatabaseUnavailable } from "./unavailable.ts";
import { within } from "./within.ts";

/** The connections that run statements; replaced after an outage. */
export interface Connections {
  /** Checks whether the database answers, on a connection of its own. */
  ask(): Promise<unknown>;
  /**
   * Begins no more statements. Resolves when the running ones have ended; after `seconds` they are ended too.
   */
  end(seconds: number): Promise<void>;
}

export interface Supervisor<Open extends Connections> {
  /**
   * Runs `work`, and keeps waiting for it while the database answers. If the database stops answering, the
   * connections of the work are replaced, or it takes longer than OPERATION_MS_MAX, `onGiveUp` is called and
   * the result of the work is discarded.
   * @throws DatabaseUnavailable
   */
  run<T>(work: (connections: Open) => Promise<T>, onGiveUp?: () => void): Promise<T>;
  /**
   * Sets the callback for operations that failed in an outage but may still have been committed, and for a
   * change to another server.
   */
  onOutage(tell: () => void): void;
  close(): Promise<void>;
}

/** How long an operation may take before the supervisor checks whether the database answers. */
const PATIENCE_MS = 900;
const ASKING_MS_MAX = 700;
/** The longest time for an operation, even if the database answers. */
export const OPERATION_MS_MAX = 10_000;
/** Statements on replaced connections may take this long to end. By then LISTEN has noticed a gap, too. */
const LEAVE_SECONDS = 10;
const CLOSE_SECONDS = 2;

/**
 * @param open opens the connections; its argument is to be called when the probe's connection was lost
 * @param watch is told of every failure, and of successes after it
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

  /**
   * Whether the database answers; one check at a time. A refused connection from a running server counts as
   * an answer.
   */
  function answers(): Promise<boolean> {
    answering ??= within(ASKING_MS_MAX, connections.ask())
      .then(() => true, isFromLiving)
      .finally(() => answering = null);
    return answering;
  }

  /**
   * Opens the probe's connection early, so that it is as old as the others: a new one may work where a
   * network has forgotten all of the others. Not before one of the others is open, or it might take the last
   * free connection. Again when the probe's connection alone was lost: opened later, it would be newer than
   * connections that the network may have forgotten, and would answer in their place.
   */
  function askFirst(): void {
    isAsked = true;
    answers();
  }

  /** Replaces the connections. Running statements go on, but none is begun on the old ones. */
  function startAnew(): void {
    if (isClosed) return;
    leaving += 1;
    connections.end(LEAVE_SECONDS).catch(() => {}).then(() => leaving -= 1);
    connections = open(onAskingLost);
    isAsked = false;
  }

  /**
   * Replaces connections that do not answer. A network that has forgotten a connection leaves it silent for
   * up to a quarter of an hour, while a new one may work. Silent connections stay open for a while; until
   * they have ended, the connections are not replaced again.
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
      // If its connections were replaced meanwhile, the reason was already reported for another operation.
      if (isHeldUp(error)) {
        if (!isClosed) watch.heldUp(error);
        throw new DatabaseLockTimeout("Somebody else holds a lock", { cause: error });
      }
      if (isOutage(error) && isOurs && !isClosed) watch.failed(error);
      // Nothing was begun, so nothing can have been committed; and other connections that are open still
      // work.
      if (error instanceof OpeningRefused) {
        throw new DatabaseUnavailable("Database takes no connection", { cause: error });
      }
      // A statement that the server refused is undone, and may be refused for hours. So clients are only told
      // to fetch again if something may have been committed, or may be on another server.
      if (error instanceof DatabaseUnavailable || isLoss(error) || isElsewhere(error)) tellOutage();
      if (!isOutage(error)) throw error;
      // After a lost connection postgres.js is unreliable: it may never flush what it writes to the next one,
      // or count the rows of an answer from where the last one broke off. So no connection beside a lost one
      // is used again.
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
