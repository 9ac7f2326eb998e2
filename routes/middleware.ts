// The steps that every request passes before its route. There are two instead of one for each concern,
// because each middleware of the framework costs a request some microseconds: seven of them cost as much as
// storing a message.

import type { Context, MiddlewareHandler } from "hono";
import type { Metrics } from "../services/metrics.ts";
import type { AnswerHeaders } from "./answer_headers.ts";
import type { AppEnv } from "./env.ts";
import { judgeHost } from "./host.ts";
import { describeAnswer, logAnswer } from "./request_log.ts";
import type { RequestTracker } from "./request_tracker.ts";
import type { RouteJudge } from "./route_table.ts";

/**
 * Gives the request its id, counts it as in flight, completes the headers of its answer, and logs it.
 * @param count is called once for each answered request
 */
export function recordRequest(
  { tracker, headers, count }: { tracker: RequestTracker; headers: AnswerHeaders; count: Metrics["count"] },
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAt = performance.now();
    c.set("requestId", crypto.randomUUID());
    c.set("pattern", "-");
    const leave = tracker.enter();
    try {
      await next();
    } finally {
      leave();
    }
    if (c.req.method === "HEAD") await sayLength(c);
    headers.complete(c);
    if (tracker.isDraining()) c.res.headers.set("Connection", "close");
    const answered = describeAnswer(c, startedAt);
    logAnswer(answered);
    count(answered);
  };
}

/**
 * Sets the Content-Length that a GET would have (RFC 9110, section 8.6). The framework drops the body of a
 * HEAD and then has nothing to measure.
 */
async function sayLength({ res }: Context<AppEnv>): Promise<void> {
  if (res.body === null || res.headers.has("Content-Length")) return;
  res.headers.set("Content-Length", String((await res.clone().arrayBuffer()).byteLength));
}

/**
 * Checks, in this order: the host, whether the service still takes requests, the origin, the address, and the
 * method.
 * @throws AppError invalid_input, unavailable, uri_too_long, not_found, method_not_allowed
 */
export function checkRequest({ tracker, judgeRoute, allowOrigin }: {
  tracker: RequestTracker;
  judgeRoute: RouteJudge;
  allowOrigin: MiddlewareHandler<AppEnv>;
}): MiddlewareHandler<AppEnv> {
  return (c, next) => {
    judgeHost(c.req);
    tracker.judge(c.req.path);
    return allowOrigin(c, () => {
      judgeRoute(c);
      return next();
    });
  };
}
