// What Linux knows of a service in a process of its own; elsewhere nothing is known.

import type { Service } from "./process.ts";

export const IS_KNOWN = Deno.build.os === "linux";

/** Resident memory. */
export function memoryMib({ pid }: Pick<Service, "pid">): number {
  if (!IS_KNOWN) return 0;
  const [, kib] = Deno.readTextFileSync(`/proc/${pid}/status`).match(/VmRSS:\s+(\d+)/)!;
  return Number(kib) / 1024;
}

/** The ports from which clients are connected that the service has not let go of. */
export function clientPorts({ url }: Pick<Service, "url">): Set<number> {
  if (!IS_KNOWN) return new Set();
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, "0");
  // Those that are established (01), or ended by the client alone (08).
  const line = new RegExp(`^ *\\d+: 0100007F:${port} \\w+:(\\w+) 0[18] `, "gm");
  return new Set(
    [...Deno.readTextFileSync("/proc/net/tcp").matchAll(line)].map(([, hex]) => parseInt(hex!, 16)),
  );
}
