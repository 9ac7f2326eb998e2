// Connections that are lent one by one. The one used last is lent first: a server process that has just run a statement
// runs the next with less CPU than one whose memory others have pushed out of the processor's caches. postgres.js itself
// goes round all of them.

import { DatabaseUnavailable } from "./unavailable.ts";
import { isLoss, OpeningRefused } from "./outages.ts";

/** What can be lent. */
interface Connection {
  /** Resolves when what runs has ended; after so many seconds that is ended too. */
  end(options: { timeout: number }): Promise<void>;
}

export interface LendOptions {
  /** The one used longest ago, instead of the one used last. */
  inTurn: boolean;
}

export interface LifoPool<C extends Connection> {
  /**
   * Lends one to this work, which has it for itself; while all are lent, who came first goes first. One that was lost is
   * ended, and another made in its place. Where no more can be opened, those that are open are all that there are for a while.
   * @throws DatabaseUnavailable to who still waits when all are ended, or comes after that
   * @throws OpeningRefused when none is open, and none can be opened
   */
  lend<T>(work: (connection: C) => Promise<T>, options?: LendOptions): Promise<T>;
  /**
   * Ends one where others are open, when nobody has it, and opens none in its place for a while. Whether there was one.
   * @throws what `lend` throws to who waits
   */
  spare(): Promise<boolean>;
  end(seconds: number): Promise<void>;
}

interface Source<C> {
  /** Makes one, when it is needed; `onClose` is for when it closes by itself, or at its end. */
  connect(onClose: () => void): C;
  /** Opens it. @throws OpeningRefused */
  open(connection: C): Promise<void>;
}

interface LifoPoolOptions {
  max: number;
  /** Told that a connection was refused while so many others are open. */
  onCramped?: (refusal: OpeningRefused, connections: number) => void;
  /** How long none is opened after one was refused, while others are open. */
  retryMs?: number;
  /** Asked where none is open and none can be opened: ends a connection of somebody else's, and says whether it did. */
  makeRoom?: (refusal: OpeningRefused) => Promise<boolean>;
}

const RETRY_MS = 5_000;
/** How often is tried after room was made: a server process that was told to end takes its time. */
const ROOM_TRIES_MAX = 4;
const ROOM_MS = 50;

export function openLifoPool<C extends Connection>(
  { connect, open }: Source<C>,
  { max, onCramped = () => {}, retryMs = RETRY_MS, makeRoom }: LifoPoolOptions,
): LifoPool<C> {
  /** Also those that are being opened. */
  const made = new Set<C>();
  /** Those that are open. */
  const living = new Set<C>();
  /** Those that are open and lent to nobody; the one used last is the last. */
  const idle: C[] = [];
  let waiting: PromiseWithResolvers<C>[] = [];
  /** Null when the last one that was opened was not refused. */
  let crampedUntil: number | null = null;
  let isEnded = false;

  function make(): C {
    const connection: C = connect(() => hearClose(connection));
    made.add(connection);
    return connection;
  }

  function isFull(): boolean {
    if (made.size === max) return true;
    return crampedUntil !== null && made.size > 0 && performance.now() < crampedUntil;
  }

  /** One that closed is made anew, and not by its work: that would be refused in its middle. Who has it brings it back first. */
  function hearClose(connection: C): void {
    if (!living.delete(connection)) return;
    const index = idle.indexOf(connection);
    if (index === -1) return;
    idle.splice(index, 1);
    discard(connection);
  }

  function discard(connection: C): void {
    made.delete(connection);
    living.delete(connection);
    connection.end({ timeout: 0 }).catch(() => {});
  }

  function take(options: LendOptions): C | Promise<C> {
    // Those that are not open yet were used longest ago of all.
    const found = options.inTurn && !isFull() ? undefined : takeIdle(options);
    return found ?? (isFull() ? wait("last") : make());
  }

  /** For who was refused another, and came before those who wait. */
  function takeNext(options: LendOptions): C | Promise<C> {
    return takeIdle(options) ?? wait("first");
  }

  function takeIdle({ inTurn }: LendOptions): C | undefined {
    return inTurn ? idle.shift() : idle.pop();
  }

  function wait(place: "first" | "last"): Promise<C> {
    const turn = Promise.withResolvers<C>();
    if (place === "first") waiting.unshift(turn);
    else waiting.push(turn);
    return turn.promise;
  }

  function takeBack(connection: C): void {
    if (!living.has(connection)) return replace(connection);
    const first = waiting.shift();
    if (first) first.resolve(connection);
    else idle.push(connection);
  }

  function replace(lost: C): void {
    discard(lost);
    waiting.shift()?.resolve(make());
  }

  /** Whether to try again to open the only one. It asks for room once, and then waits for it a little longer each time. */
  async function hasRoom(refusal: OpeningRefused, tries: number): Promise<boolean> {
    if (tries === 1 && !await makeRoom?.(refusal).catch(() => false)) return false;
    await new Promise((resolve) => setTimeout(resolve, ROOM_MS * tries));
    return tries < ROOM_TRIES_MAX && !isEnded;
  }

  /** One that is open: that was made for this, or when that is refused, another. */
  async function opened(connection: C, options: LendOptions): Promise<C> {
    let tries = 0;
    while (!living.has(connection)) {
      try {
        await open(connection);
        living.add(connection);
        crampedUntil = null;
      } catch (error) {
        if (isEnded || !(error instanceof OpeningRefused)) {
          replace(connection);
          throw error;
        }
        discard(connection);
        crampedUntil = performance.now() + retryMs;
        if (made.size === 0 && makeRoom) {
          // Whoever comes meanwhile waits for this one.
          connection = make();
          if (await hasRoom(error, tries += 1)) continue;
          discard(connection);
        }
        if (made.size === 0) {
          waiting.splice(0).forEach(({ reject }) => reject(error));
          throw error;
        }
        if (living.size > 0) onCramped(error, living.size);
        connection = await takeNext(options);
      }
    }
    return connection;
  }

  return {
    async lend(work, options = { inTurn: false }) {
      if (isEnded) throw new DatabaseUnavailable("Connections were ended");
      let connection = await take(options);
      if (!living.has(connection)) connection = await opened(connection, options);
      try {
        const result = await work(connection);
        takeBack(connection);
        return result;
      } catch (error) {
        (isLoss(error) ? replace : takeBack)(connection);
        throw error;
      }
    },
    async spare() {
      if (living.size < 2) return false;
      const connection = idle.shift() ?? await wait("first");
      discard(connection);
      crampedUntil = performance.now() + retryMs;
      return true;
    },
    async end(seconds) {
      isEnded = true;
      const late = waiting;
      waiting = [];
      late.forEach(({ reject }) => reject(new DatabaseUnavailable("Connections were ended")));
      await Promise.all([...made].map((connection) => connection.end({ timeout: seconds })));
    },
  };
}
