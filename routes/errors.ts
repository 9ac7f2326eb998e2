// The only place where an error becomes a response.

import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, type ErrorCode, isUnavailable } from "../services/errors.ts";
import { describeError, log } from "../services/log.ts";
import type { AppEnv } from "./env.ts";

/** Total over ErrorCode: a new code without a status does not compile. */
export const STATUS: Record<ErrorCode, ContentfulStatusCode> = {
  already_friends: 409,
  already_registered: 409,
  already_requested: 409,
  client_id_reused: 409,
  contact_not_found: 404,
  invalid_input: 400,
  invalid_json: 400,
  invalid_media: 400,
  invalid_passcode: 400,
  invalid_phone_number: 400,
  invalid_signature: 403,
  media_not_found: 404,
  // Not 409: tus clients retry that on their own.
  media_sent: 403,
  message_not_found: 404,
  method_not_allowed: 405,
  not_found: 404,
  not_friends: 403,
  not_registered: 404,
  own_number: 400,
  passcode_expired: 408,
  peer_deleted: 409,
  quota_exceeded: 413,
  range_not_satisfiable: 416,
  rate_limited: 429,
  recipient_not_found: 404,
  request_not_found: 404,
  request_timeout: 408,
  session_not_found: 404,
  sms_disabled: 503,
  sms_failed: 500,
  sms_not_allowed: 400,
  sms_opted_out: 403,
  suspended: 403,
  too_large: 413,
  too_many_attempts: 429,
  unauthenticated: 401,
  unavailable: 503,
  unexpected: 500,
  unsupported_media_type: 415,
  unsupported_tus_version: 412,
  upgrade_required: 426,
  upload_conflict: 409,
  // Not 408: browsers retry that on their own, and tus clients give up on it.
  upload_stalled: 503,
  uri_too_long: 414,
  user_not_found: 404,
};

/** The most issues that one answer lists. More help nobody, and a body can have thousands. */
const ISSUES_MAX = 20;
/** When a client may try again after an outage, in seconds. */
const OUTAGE_RETRY_SECONDS = 2;

export function onError(error: Error, c: Context<AppEnv>): Response | Promise<Response> {
  const refusal = toAppError(error);
  if (refusal.code === "unexpected") {
    log.error("Unexpected error", { request_id: c.get("requestId"), ...describeError(error) });
  }
  return respond(c, refusal);
}

function toAppError(error: Error): AppError {
  if (error instanceof AppError) return error;
  if (isUnavailable(error)) return new AppError("unavailable", { retryAfter: OUTAGE_RETRY_SECONDS });
  if (error instanceof HTTPException) {
    if (error.status === 415) return new AppError("unsupported_media_type");
    if (error.status === 400) return new AppError("invalid_json");
  }
  return new AppError("unexpected");
}

function respond(c: Context<AppEnv>, refusal: AppError): Response | Promise<Response> {
  const { code, message, details } = refusal;
  c.set("errorCode", code);
  if (details.retryAfter !== undefined) c.header("Retry-After", String(details.retryAfter));
  if (details.allow !== undefined) c.header("Allow", details.allow);
  // The rest of the body may still arrive, and must not be read as the next request.
  if (code === "request_timeout") c.header("Connection", "close");
  if (code === "unauthenticated") c.header("WWW-Authenticate", "Bearer");
  if (code === "upgrade_required") {
    c.header("Upgrade", "websocket");
    c.header("Connection", "Upgrade");
    c.header("Sec-WebSocket-Version", "13");
  }
  const show = c.get("showError");
  if (show) return show(refusal, STATUS[code]);
  const body = {
    success: false,
    message,
    code,
    request_id: c.get("requestId"),
    ...(details.retryAfter === undefined ? {} : { retry_after: details.retryAfter }),
    ...(details.issues === undefined ? {} : { issues: details.issues.slice(0, ISSUES_MAX) }),
    ...(details.maxBytes === undefined ? {} : { max_bytes: details.maxBytes }),
  };
  return c.json(body, STATUS[code]);
}
