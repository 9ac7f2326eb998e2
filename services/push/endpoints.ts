// Checks the endpoints that browsers subscribe with. The service sends requests to them, so only hosts of
// push services that the operator allows are accepted.

import type { PushHosts } from "./config.ts";

/** Length in characters. */
export const ENDPOINT_MAX = 1_024;

/** The normalised endpoint; null if that is too long, or not one of an allowed push service. */
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
