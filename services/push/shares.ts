// How much of the sending each push service may have: one that hangs leaves room for all others, and is left alone when
// it hangs for long. Each process finds that out for itself.

import type { Room } from "../../db/push/push_wakes.ts";
import type { Pushed } from "./sender.ts";

/** So many may be on their way to one host. */
export const SHARE = 20;
/** A host that leaves so many in a row unanswered is left alone, then tried with one at a time until it answers. */
const SILENT_MAX = 3;
const LEFT_ALONE_MS = 60_000;
const FORGOTTEN_MS = 10 * 60_000;

interface Host {
  underWay: number;
  /** How many in a row it left unanswered, and when the last of them was given up. */
  silent: number;
  silentAt: number;
}

export interface Shares {
  /** What is left to those hosts that have not their whole share. */
  rooms(): Room[];
  enter(host: string): void;
  /** Returns whether the host is left alone from now on; null: it was not asked. */
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
