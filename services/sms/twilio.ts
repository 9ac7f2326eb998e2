import type { RequestClient } from "twilio";

import { fetchOnce, neverLeft, readText } from "../fetch_once.ts";
import type { TwilioConfig } from "./config.ts";
import type { SmsOutcome, SmsRefusal, SmsSender } from "./sender.ts";

const TIMEOUT_MS = 10_000;
/** Twilio's answers have some two thousand bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Twilio's error numbers and what the API answers for them. Any other number is `sms_failed`. */
const REFUSALS: Readonly<Record<number, SmsRefusal>> = {
  // The person has sent us STOP.
  21610: "sms_opted_out", // attempt to send to an unsubscribed recipient

  // The number can never get an SMS from us.
  21211: "sms_not_allowed", // invalid "To"
  21265: "sms_not_allowed", // "To" is a short code
  21266: "sms_not_allowed", // "To" is our own "From"
  21408: "sms_not_allowed", // the account may not send to this region
  21612: "sms_not_allowed", // "To" cannot be reached from this "From"
  21614: "sms_not_allowed", // "To" is no mobile number
  21635: "sms_not_allowed", // "To" is a landline
  30005: "sms_not_allowed", // unknown or inactive handset
  30006: "sms_not_allowed", // landline or unreachable carrier

  // The carrier, or a phone that is off: a later attempt may succeed.
  30003: "sms_failed", // unreachable handset
  30004: "sms_failed", // blocked, by the phone or by its carrier
  30007: "sms_failed", // filtered by a carrier
  30008: "sms_failed", // unknown to the carrier as well

  // Our account, sender or text: for the operator to fix; callers can do nothing about it.
  20003: "sms_failed", // wrong credentials
  20404: "sms_failed", // no such account or API
  20429: "sms_failed", // too many requests
  21606: "sms_failed", // "From" cannot send SMS
  21608: "sms_failed", // a trial account sends to verified numbers only
  21611: "sms_failed", // the queue of "From" is full
  21617: "sms_failed", // the text is too long
  21659: "sms_failed", // "From" is no number of Twilio's
  21660: "sms_failed", // "From" belongs to another account
  21703: "sms_failed", // the messaging service has no number
  30002: "sms_failed", // the account is suspended
  30034: "sms_failed", // "From" is not registered for A2P 10DLC
};

/** Statuses of a message that Twilio accepted but already knows will not arrive. */
const NOT_SENT: ReadonlySet<string> = new Set(["failed", "undelivered", "canceled"]);
/** Treated as if Twilio had not accepted it. */
const REFUSED = 400;

/** What Twilio's error number means to a caller, in an answer or a status callback. */
export function refusalOf(providerCode: number | null): SmsRefusal {
  return providerCode === null ? "sms_failed" : REFUSALS[providerCode] ?? "sms_failed";
}

/**
 * For the log: what went wrong, without anything of the number or the text. `unreachable`: nothing was sent;
 * `unintelligible`: the answer made no sense, or there was none.
 */
export interface TwilioFailure {
  reason: "refused" | "timed out" | "unreachable" | "unintelligible";
  status: number | null;
  provider_code: number | null;
}

export interface TwilioOptions extends Omit<TwilioConfig, "driver"> {
  /** The URL for Twilio's status callbacks; Twilio refuses one that it cannot reach. */
  statusCallback?: string | null;
  timeoutMs?: number;
  log?: (failure: TwilioFailure) => void;
}

/**
 * Sends through Twilio. The SDK is loaded only here: it costs 120 ms, which other starts do not need. An SMS
 * that Twilio accepted but confirmed too late counts as failed; the person may then get two.
 */
export async function createTwilioSms(options: TwilioOptions): Promise<SmsSender> {
  const { default: twilio } = await import("twilio");
  const client = twilio(options.accountSid, options.authToken, {
    httpClient: createHttpClient(options.apiBaseUrl, options.timeoutMs ?? TIMEOUT_MS),
    autoRetry: false,
    // If these were left out, the SDK would read them from the environment.
    edge: "",
    region: "",
    logLevel: "",
  });
  const from = "phoneNumber" in options.from
    ? { from: options.from.phoneNumber }
    : { messagingServiceSid: options.from.messagingServiceSid };
  const callback = options.statusCallback ? { statusCallback: options.statusCallback } : {};
  return {
    paid: true,
    async send(to, text): Promise<SmsOutcome> {
      try {
        const message = await client.messages.create({ ...from, ...callback, to, body: text });
        const { sid, status, errorCode } = message;
        if (NOT_SENT.has(status)) return refuse(options, { status: REFUSED, code: errorCode });
        if (typeof sid === "string" && !errorCode) return { sent: true, provider_id: sid };
        return refuse(options, { code: errorCode });
      } catch (error) {
        return refuse(options, error);
      }
    },
  };
}

/** The error's message is dropped: Twilio's messages quote the number. */
function refuse({ log }: TwilioOptions, error: unknown): SmsOutcome {
  const { status, code } = (error ?? {}) as { status?: unknown; code?: unknown };
  const timedOut = error instanceof DOMException && error.name === "TimeoutError";
  // A DOMException has a code too, but not one of Twilio's.
  const ofTwilio = !(error instanceof DOMException) && Number.isInteger(code) && code !== 0;
  const providerCode = ofTwilio ? code as number : null;
  const answered = ofTwilio || typeof status === "number";
  const unsent = neverLeft(error);
  log?.({
    reason: timedOut ? "timed out" : answered ? "refused" : unsent ? "unreachable" : "unintelligible",
    status: typeof status === "number" ? status : null,
    provider_code: providerCode,
  });
  const isError = ofTwilio || typeof status === "number" && status >= 400;
  // A 5xx that is not Twilio's own may come from a gateway, behind which the SMS was sent.
  const isCertain = ofTwilio || typeof status === "number" && status >= 400 && status < 500 || unsent;
  return {
    sent: false,
    refusal: refusalOf(providerCode),
    provider_code: providerCode,
    perhaps: isCertain ? "no" : isError ? "unlikely" : "yes",
  };
}

/**
 * The SDK's HTTP client on top of fetch: with another base URL if one is given, limits on the time and size
 * of the answer, and no redirects.
 */
function createHttpClient(apiBaseUrl: string | null, timeoutMs: number): RequestClient {
  async function request(asked: Parameters<RequestClient["request"]>[0]) {
    const { origin, pathname } = new URL(asked.uri);
    const base = (apiBaseUrl ?? origin).replace(/\/+$/, "");
    const response = await fetchOnce(base + pathname, {
      method: asked.method.toUpperCase(),
      headers: { ...asked.headers, authorization: `Basic ${btoa(`${asked.username}:${asked.password}`)}` },
      body: new URLSearchParams(asked.data as Record<string, string>),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = await readText(response, ANSWER_BYTES_MAX);
    return { statusCode: response.status, body, headers: response.headers };
  }
  // The SDK calls only this method of the class, whose constructor would set up axios and an agent for
  // nothing.
  return { request } as unknown as RequestClient;
}
