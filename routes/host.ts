import { createMiddleware } from "hono/factory";
import { AppError } from "../services/errors.ts";
import type { AppEnv } from "./env.ts";

/** A name or an address, and perhaps a port (RFC 9110, section 7.2). */
const HOST = /^([\w.~-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{0,5})?$/i;

/**
 * A request without a proper host has no address: what asks for it further down would fail, or take a part of the host for
 * the path. RFC 9112, section 3.2, wants 400.
 */
export const judgeHost = createMiddleware<AppEnv>((c, next) => {
  const host = c.req.header("host");
  if (host !== undefined && !(host === lastGood && c.req.url.startsWith(`http://${host}/`))) {
    if (!HOST.test(host) || !URL.canParse(c.req.url)) {
      throw new AppError("invalid_input", { issues: [{ path: "Host", message: "Must be a host name" }] });
    }
    lastGood = host;
  }
  return next();
});

/** Most requests come by the same name. */
let lastGood = "";
