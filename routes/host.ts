import type { HonoRequest } from "hono";
import { AppError } from "../services/errors.ts";

/** A host name or an address, with an optional port (RFC 9110, section 7.2). */
const HOST = /^([\w.~-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{0,5})?$/i;

/** The last valid host. Most requests come with the same one. */
let lastGood = "";

/**
 * Refuses a request without a valid Host header, as RFC 9112, section 3.2, requires (400). Its URL could not
 * be parsed further down, or part of the host would be taken for the path.
 * @throws AppError invalid_input
 */
export function judgeHost(request: HonoRequest): void {
  const host = request.header("host");
  if (host !== undefined && host === lastGood && request.url.startsWith(`http://${host}/`)) return;
  // Without the header the host may be in the request line (or in HTTP/2's `:authority`).
  if (host !== undefined && !HOST.test(host) || !URL.canParse(request.url)) {
    throw new AppError("invalid_input", { issues: [{ path: "Host", message: "Must be a host name" }] });
  }
  lastGood = host ?? "";
}
