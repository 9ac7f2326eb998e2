// The catalogue of everything that can be refused: a stable code for programs, a text for people.

import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { WAIT_TEXTS, waitText } from "./texts/waits.ts";

export const ERROR_TEXTS = {
  already_friends: "You are friends already",
  already_registered: "This phone number is registered already; sign in instead",
  already_requested: "You have asked already; wait for the answer",
  client_id_reused: "This client_id was used for another message",
  contact_not_found: "This phone number is not in your contact list",
  invalid_input: "The request is not understood; issues says where",
  invalid_json: "The body is not valid JSON in UTF-8",
  invalid_media: "These media cannot be taken or sent; issues says why",
  invalid_passcode: "The passcode is not right, or was used already",
  invalid_phone_number: "This is not a phone number; write it with its country code, as in +14155550123",
  invalid_signature: "The signature is not the provider's",
  media_not_found: "There is no such media for you",
  media_sent: "A message carries these media, so they stay",
  message_not_found: "There is no such message to you",
  method_not_allowed: "This address does not take that method; Allow says which it takes",
  not_found: "There is nothing at this address",
  not_friends: "You can write to this person when both of you want to be friends",
  not_registered: "This phone number is not registered; sign up instead",
  own_number: "This is your own phone number",
  passcode_expired: "The passcode has expired; ask for a new one",
  peer_deleted: "This person has deleted you; you are friends again when he or she asks you",
  quota_exceeded: "Your media take up all the room that you have; max_bytes says how much that is",
  range_not_satisfiable: "The media end before this range",
  rate_limited: "Too much at once; try again later",
  recipient_not_found: "This phone number is not in your contact list",
  request_not_found: "There is no friend request from this phone number",
  request_timeout: "The body did not arrive within ten seconds",
  session_not_found: "You have no such session",
  sms_disabled: "No SMS are sent at the moment; try again later",
  sms_failed: "The SMS could not be sent; try again",
  sms_not_allowed: "No SMS can be sent to this phone number",
  sms_opted_out: "This phone number has asked for no more SMS; text START to the sender to get them again",
  suspended: "This account is suspended",
  too_large: "The body is too large; max_bytes says how large it may be",
  too_many_attempts: "Too many wrong passcodes; ask for a new one later",
  unauthenticated: "Sign in first: the token is missing, wrong, or its session has ended",
  unavailable: "The service is stopping, or cannot reach its database; try again in a moment",
  unexpected: "Something went wrong here; it has been logged under request_id",
  unsupported_media_type: "The Content-Type or Content-Encoding is not one that this call takes",
  unsupported_tus_version: "Tus-Resumable must be 1.0.0",
  upgrade_required: "This address is for WebSockets",
  upload_conflict:
    "These bytes do not begin where the upload ends, or another request writes to it; ask for its offset by HEAD",
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
  /** Methods that the address does take. */
  allow?: string;
  /** The largest body taken. */
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

/** What people are told; a text that ends with "later" says when, where that is known. */
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
