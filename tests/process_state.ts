// What Linux knows about a service in another process. On other systems nothing is known.

import type { Service } from "./process.ts";

export const IS_KNOWN = Deno.build.os === "linux";

/** Resident memory in MiB; 0 if unknown. */
export function memoryMib({ pid }: Pick<Service, "pid">): number {
  if (!IS_KNOWN) return 0;
  const [, kib] = Deno.readTextFileSync(`/proc/${pid}/status`).match(/VmRSS:\s+(\d+)/)!;
  return Number(kib) / 1024;
}

/** The ports of clients whose connections the service has not closed. */
export function clientPorts({ url }: Pick<Service, "url">): Set<number> {
  if (!IS_KNOWN) return new Set();
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, "0");
  // Connections in the state ESTABLISHED (01), or CLOSE_WAIT (08), which only the client has closed.
  const line = new RegExp(`^ *\\d+: 0100007F:${port} \\w+:(\\w+) 0[18] `, "gm");
  return new Set(
    [...Deno.readTextFileSync("/proc/net/tcp").matchAll(line)].map(([, hex]) => parseInt(hex!, 16)),
  );
}
