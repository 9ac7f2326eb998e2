// Locks uploads: one request at a time on each, within this process. @tus/server's own locker polls in a busy
// loop while it waits.

import { ERRORS, type Lock, type Locker } from "@tus/server";

interface Holder {
  released: Promise<void>;
  /** Asks the holder to finish: its connection may have been dead for long. */
  ask(): void;
}

export function createUploadLocker(): Locker {
  const holders = new Map<string, Holder>();
  return { newLock: (id) => newLock(holders, id) };
}

function newLock(holders: Map<string, Holder>, id: string): Lock {
  const { promise: released, resolve } = Promise.withResolvers<void>();
  return {
    async lock(signal, cancel) {
      const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      for (let holder = holders.get(id); holder; holder = holders.get(id)) {
        holder.ask();
        await Promise.race([holder.released, aborted]);
        if (signal.aborted) throw ERRORS.ERR_LOCK_TIMEOUT;
      }
      holders.set(id, { released, ask: () => void cancel() });
    },
    unlock() {
      holders.delete(id);
      resolve();
      return Promise.resolve();
    },
  };
}
