import { getPath } from "hono/utils/url";
import { NO_METHOD } from "./caching_router.ts";
import { UPLOADS_PATH } from "./uploads/uploads.ts";

const HEADER = "X-HTTP-Method-Override";
/** The addresses of uploads. Their ids consist of `\w`, so no escaping is involved. */
const ADDRESS = new RegExp(`^${UPLOADS_PATH}(/\\w+)?$`);
/** The methods of these addresses. */
const METHODS = new Set(["DELETE", "HEAD", "OPTIONS", "PATCH", "POST"]);

/**
 * Applies X-HTTP-Method-Override, at the addresses of uploads only, for clients that cannot send PATCH or
 * DELETE (tus 1.0, core protocol). It comes before everything else that looks at a request, so route,
 * session, log and answer agree on one method.
 */
export function asMeant(request: Request): Request {
  if (!request.url.includes(UPLOADS_PATH) || !ADDRESS.test(getPath(request))) return request;
  const override = request.headers.get(HEADER);
  // A request without a valid address is refused for that later.
  if (override === null || override === request.method || !URL.canParse(request.url)) return request;
  // Some other words would be refused by the Request constructor.
  const method = METHODS.has(override) ? override : NO_METHOD;
  const { url, headers } = request;
  return new Request(url, { method, headers, body: method === "HEAD" ? null : request.body });
}
