import type { Context } from "hono";
import type { AppEnv } from "../env.ts";

/**
 * Whether a POST can come from a page of ours, as far as the browser tells. Where Sec-Fetch-Site is sent it
 * decides (W3C Fetch Metadata); `none` is a person who reloads the page. Otherwise Origin decides, except
 * `null`, which our own pages send because of their referrer policy. Without either header the form's own
 * token has to be enough.
 */
export function isSameOrigin(c: Context<AppEnv>, publicUrl: string): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin" || site === "none";
  const origin = c.req.header("origin");
  if (origin === undefined || origin === "null") return true;
  // A proxy that terminates TLS changes the scheme and keeps the host.
  const host = URL.parse(origin)?.host;
  return origin === publicUrl || (host !== undefined && host === URL.parse(c.req.url)?.host);
}
