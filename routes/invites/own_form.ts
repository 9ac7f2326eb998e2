import type { Context } from "hono";
import type { AppEnv } from "../env.ts";

/**
 * Whether a POST can come from a page of ours, as far as the browser says so. Sec-Fetch-Site decides where it is sent
 * (W3C Fetch Metadata); `none` is a person who repeats it. Else Origin does, but for the `null` of our own pages, whose
 * referrer policy leaves no more of it. Without either the form's own token has to be enough.
 */
export function isOwnForm(c: Context<AppEnv>, publicUrl: string): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin" || site === "none";
  const origin = c.req.header("origin");
  if (origin === undefined || origin === "null") return true;
  // A proxy that ends TLS changes the scheme and keeps the host.
  const host = URL.parse(origin)?.host;
  return origin === publicUrl || (host !== undefined && host === URL.parse(c.req.url)?.host);
}
