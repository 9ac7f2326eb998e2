import type { HonoRequest } from "hono";
import { AppError } from "../services/errors.ts";

/** A name or an address, and perhaps a port (RFC 9110, section 7.2). */
const HOST = /^([\w.~-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{0,5})?$/i;

/** Most requests come by the same name. */
let lastGood = "";

/**
 * A request without a proper host has no address: what asks for it further down would fail, or take a part of the host for
 * the path. RFC 9112, section 3.2, wants 400.
 * @throws AppError invalid_input
 */
export function judgeHost(request: HonoRequest): void {
  const host = request.header("host");
  if (host !== undefined && host === lastGood && request.url.startsWith(`http://${host}/`)) return;
  // Without a header its line may name the host, and HTTP/2 does.
  if (host !== undefined && !HOST.test(host) || !URL.canParse(request.url)) {
    throw new AppError("invalid_input", { issues: [{ path: "Host", message: "Must be a host name" }] });
  }
  lastGood = host ?? "";
}
