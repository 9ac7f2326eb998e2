import { getPath } from "hono/utils/url";
import { NO_METHOD } from "./remembering_router.ts";
import { UPLOADS_PATH } from "./uploads/uploads.ts";

const HEADER = "X-HTTP-Method-Override";
/** An upload's id has no other letters, and of these none is anything to a URL. */
const ADDRESS = new RegExp(`^${UPLOADS_PATH}(/\\w+)?$`);
/** What the addresses of uploads take. */
const METHODS = new Set(["DELETE", "HEAD", "OPTIONS", "PATCH", "POST"]);

/**
 * The request as it is meant: at the addresses of uploads, and nowhere else, X-HTTP-Method-Override is the method, for
 * clients that cannot send PATCH or DELETE (tus 1.0, core protocol). Comes before all that looks at a request, so that
 * route, session, log and answer are those of one method.
 */
export function asMeant(request: Request): Request {
  if (!request.url.includes(UPLOADS_PATH) || !ADDRESS.test(getPath(request))) return request;
  const override = request.headers.get(HEADER);
  // What has no proper address is refused for that.
  if (override === null || override === request.method || !URL.canParse(request.url)) return request;
  // Some others cannot be those of a request.
  const method = METHODS.has(override) ? override : NO_METHOD;
  const { url, headers } = request;
  return new Request(url, { method, headers, body: method === "HEAD" ? null : request.body });
}
