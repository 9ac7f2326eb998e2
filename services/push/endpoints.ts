// The addresses that browsers give us to be woken at. Whatever a client calls its push service, the service will send
// requests there: so only to those that the operator knows.

import type { PushHosts } from "./config.ts";

/** Characters of an address. */
export const ENDPOINT_MAX = 1_024;

/** The address in its one form, which may be longer; null where it is too long or none of a known push service. */
export function parseEndpoint(text: string, hosts: PushHosts): string | null {
  const url = URL.parse(text);
  if (!url || url.username !== "" || url.password !== "" || text.includes("#")) return null;
  return url.href.length <= ENDPOINT_MAX && hosts.some((host) => isAt(url, host)) ? url.href : null;
}

function isAt(url: URL, host: string): boolean {
  if (!host.startsWith("*.")) return url.origin === host;
  return url.protocol === "https:" && url.port === "" && url.hostname.endsWith(host.slice(1)) &&
    url.hostname.length > host.length - 1;
}
