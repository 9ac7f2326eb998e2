// A LIFO pool of connections: the most recently used one is lent first. A server process that has just run a
// statement runs the next with less CPU than one whose memory has been pushed out of the processor's caches.
// postgres.js itself uses its connections in rotation.

import { isLoss, OpeningRefused } from "./outages.ts";
import { DatabaseUnavailable } from "./unavailable.ts";

/** A connection that can be lent. */
interface Connection {
  /** Resolves when running statements have ended; after `timeout` seconds they are ended too. */
  end(options: { timeout: number }): Promise<void>;
}

export interface LendOptions {
  /** Lend the least recently used connection instead. */
  inTurn: boolean;
}

export interface LifoPool<C extends Connection> {
  /**
   * Lends a connection to `work`, for its exclusive use. While all are lent, callers wait in FIFO order. A
   * lost connection is ended and replaced. If the server refuses another connection, the open ones are shared
   * for a while.
   * @throws DatabaseUnavailable if the pool ends while the caller waits, or has ended before
   * @throws OpeningRefused if no connection is open and none can be opened
   */
  lend<T>(work: (connection: C) => Promise<T>, options?: LendOptions): Promise<T>;
  /**
   * Gives up one connection if at least two are open, as soon as it is idle, and opens none in its place for
   * a while. Returns whether it did.
   * @throws what `lend` throws to a waiting caller
   */
  spare(): Promise<boolean>;
  end(seconds: number): Promise<void>;
}

interface Source<C> {
  /**
   * Creates a connection when one is needed. It calls `onClose` when it closes, by itself or because it was
   * ended.
   */
  connect(onClose: () => void): C;
  /** Opens the connection. @throws OpeningRefused */
  open(connection: C): Promise<void>;
}

interface LifoPoolOptions {
  max: number;
  /** Called when the server refused another connection, with the number of open ones. */
  onCramped?: (refusal: OpeningRefused, connections: number) => void;
  /** How long no connection is opened after a refusal, while others are open. */
  retryMs?: number;
  /**
   * Called if no connection is open and none can be opened: gives up a connection of another pool, and
   * returns whether it did.
   */
  makeRoom?: (refusal: OpeningRefused) => Promise<boolean>;
}

const RETRY_MS = 5_000;
/**
 * Attempts to open a connection after room was made: the server process that was told to end takes its time.
 */
const ROOM_TRIES_MAX = 4;
const ROOM_MS = 50;

export function openLifoPool<C extends Connection>(
  { connect, open }: Source<C>,
  { max, onCramped = () => {}, retryMs = RETRY_MS, makeRoom }: LifoPoolOptions,
): LifoPool<C> {
  /** All connections, including those that are being opened. */
  const made = new Set<C>();
  /** Open connections. */
  const living = new Set<C>();
  /** Open connections that are not lent; the most recently used one is last. */
  const idle: C[] = [];
  let waiting: PromiseWithResolvers<C>[] = [];
  /** When connections may be opened again after a refusal; null if the last attempt succeeded. */
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

  /**
   * A connection that closed while idle is dropped at once; otherwise the next work to use it would fail
   * midway. A lent one is replaced when it is returned.
   */
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
    // A connection that is not open yet counts as the least recently used one.
    const found = options.inTurn && !isFull() ? undefined : takeIdle(options);
    return found ?? (isFull() ? wait("last") : make());
  }

  /** For a caller whose new connection was refused: it came before those in the queue. */
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

  /**
   * Whether to try again to open the only connection. Asks for room once, then waits a little longer before
   * each try.
   */
  async function hasRoom(refusal: OpeningRefused, tries: number): Promise<boolean> {
    if (tries === 1 && !await makeRoom?.(refusal).catch(() => false)) return false;
    await new Promise((resolve) => setTimeout(resolve, ROOM_MS * tries));
    return tries < ROOM_TRIES_MAX && !isEnded;
  }

  /** Returns an open connection: the given one, or another if opening that is refused. */
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
          // Callers that come meanwhile wait for this one.
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
