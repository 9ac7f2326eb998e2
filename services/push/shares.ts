// Limits how many pushes each push service has in progress, with a circuit breaker: a service that hangs
// leaves room for the others, and gets nothing for a while if it hangs for long. Each process decides for
// itself.

import type { Room } from "../../db/push/push_wakes.ts";
import type { Pushed } from "./sender.ts";

/** Pushes that may be in progress to one host. */
export const SHARE = 20;
/**
 * After this many unanswered pushes in a row a host gets none for LEFT_ALONE_MS, and then one at a time until
 * it answers.
 */
const SILENT_MAX = 3;
const LEFT_ALONE_MS = 60_000;
const FORGOTTEN_MS = 10 * 60_000;

interface Host {
  underWay: number;
  /** Unanswered pushes in a row, and when the last of them was given up. */
  silent: number;
  silentAt: number;
}

export interface Shares {
  /** Free slots of the hosts that are not idle. */
  rooms(): Room[];
  enter(host: string): void;
  /** Ends a push; null if none was sent. Returns whether the host is paused from now on. */
  leave(host: string, pushed: Pushed | null): boolean;
}

export function createShares(now: () => Date): Shares {
  const hosts = new Map<string, Host>();
  const silence = ({ silentAt }: Host) => Math.abs(now().getTime() - silentAt);

  function room(host: Host): number {
    if (host.silent < SILENT_MAX) return SHARE - host.underWay;
    return silence(host) < LEFT_ALONE_MS || host.underWay > 0 ? 0 : 1;
  }

  function forget(): void {
    for (const [name, host] of hosts) {
      if (host.underWay === 0 && (host.silent === 0 || silence(host) > FORGOTTEN_MS)) hosts.delete(name);
    }
  }

  return {
    rooms() {
      forget();
      return [...hosts].map(([name, host]) => ({ host: name, room: room(host) }));
    },
    enter(name) {
      const host = hosts.get(name) ?? { underWay: 0, silent: 0, silentAt: 0 };
      host.underWay += 1;
      hosts.set(name, host);
    },
    leave(name, pushed) {
      const host = hosts.get(name)!;
      host.underWay -= 1;
      if (pushed === null) return false;
      if (pushed.outcome !== "silent") {
        host.silent = 0;
        return false;
      }
      host.silent += 1;
      host.silentAt = now().getTime();
      return host.silent === SILENT_MAX;
    },
  };
}
