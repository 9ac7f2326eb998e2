// The catalogue of everything that can be refused: a stable code for programs, a text for people.

import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { WAIT_TEXTS, waitText } from "./texts/waits.ts";

export const ERROR_TEXTS = {
  already_friends: "You are already friends",
  already_registered: "This phone number is already registered; sign in instead",
  already_requested: "You have already sent a friend request; wait for the answer",
  client_id_reused: "This client_id was already used for another message",
  contact_not_found: "This phone number is not in your contact list",
  invalid_input: "The request is invalid; issues lists what is wrong",
  invalid_json: "The body is not valid UTF-8 JSON",
  invalid_media: "This file cannot be uploaded or sent; issues says why",
  invalid_passcode: "The passcode is wrong or was already used",
  invalid_phone_number: "This is not a phone number; write it with its country code, as in +14155550123",
  invalid_signature: "The signature is not the provider's",
  media_not_found: "This file does not exist, or you have no access to it",
  media_sent: "This file was sent in a message and cannot be deleted",
  message_not_found: "You have received no such message",
  method_not_allowed: "This address does not support this method; the Allow header lists those that it does",
  not_found: "There is nothing at this address",
  not_friends: "You can only write to people who are your friends",
  not_registered: "This phone number is not registered; sign up instead",
  own_number: "This is your own phone number",
  passcode_expired: "The passcode has expired; ask for a new one",
  peer_deleted: "This person has deleted you; you are friends again once they send you a friend request",
  quota_exceeded: "Your media quota is used up; max_bytes says how large it is",
  range_not_satisfiable: "The file ends before this range",
  rate_limited: "Too many requests; try again later",
  recipient_not_found: "This phone number is not in your contact list",
  request_not_found: "There is no friend request from this phone number",
  request_timeout: "The body did not arrive within ten seconds",
  session_not_found: "You have no such session",
  sms_disabled: "No SMS are being sent at the moment; try again later",
  sms_failed: "The SMS could not be sent; try again",
  sms_not_allowed: "No SMS can be sent to this phone number",
  sms_opted_out: "This phone number has opted out of SMS; text START to the sender to opt in again",
  suspended: "This account is suspended",
  too_large: "The body is too large; max_bytes is the limit",
  too_many_attempts: "Too many wrong passcodes; ask for a new one later",
  unauthenticated: "Sign in first: the token is missing or invalid, or its session has ended",
  unavailable: "The service is stopping or cannot reach its database; try again in a moment",
  unexpected: "Something went wrong here; it has been logged under request_id",
  unsupported_media_type: "This call does not support this Content-Type or Content-Encoding",
  unsupported_tus_version: "Tus-Resumable must be 1.0.0",
  upgrade_required: "This address accepts only WebSocket connections",
  upload_conflict:
    "Upload-Offset does not match the upload, or another request is writing to it; get its offset with HEAD",
  upload_stalled: "Nothing arrived for thirty seconds, or less than 64 KiB in five minutes",
  uri_too_long: "The address is longer than 16384 characters",
  user_not_found: "This phone number is not registered",
} as const;

export type ErrorCode = keyof typeof ERROR_TEXTS;

export interface Issue {
  /** Where in the body, query or path, as in `phone_number`. */
  path: string;
  message: string;
}

export interface ErrorDetails {
  /** Seconds after which trying again makes sense. */
  retryAfter?: number;
  issues?: Issue[];
  /** Methods that the address supports. */
  allow?: string;
  /** The limit in bytes: for a body, or for all media of a user. */
  maxBytes?: number;
}

/** A refusal on its way to the client. `routes/errors.ts` is where it becomes a response. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(textOf(code, details));
    this.name = "AppError";
    this.code = code;
    this.details = details;
  }
}

/** The text for people. A "later" at its end is replaced by the time to wait, if that is known. */
export function textOf(code: ErrorCode, { retryAfter }: ErrorDetails = {}): string {
  const text = ERROR_TEXTS[code];
  return retryAfter === undefined
    ? text
    : text.replace(/later$/, `in ${waitText(WAIT_TEXTS.en, retryAfter)}`);
}

/** Whether an error means that the database cannot be reached. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof DatabaseUnavailable;
}
