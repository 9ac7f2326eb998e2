import type { PhoneNumber } from "../phone_number.ts";

/** Why an SMS was not sent, in the words of the API's error codes. */
export type SmsRefusal = "sms_failed" | "sms_opted_out" | "sms_not_allowed" | "sms_disabled";

/**
 * What became of an SMS: `provider_id` is the provider's name for it, by which a later callback speaks of it;
 * `provider_code` is the provider's own error number, for the log.
 */
export type SmsOutcome =
  | { sent: true; provider_id: string | null }
  | {
    sent: false;
    refusal: SmsRefusal;
    provider_code: number | null;
    /**
     * Whether it may have gone out all the same, and may have been charged for. `unlikely` where something answered that it
     * failed, which need not have been the provider.
     */
    perhaps: "no" | "unlikely" | "yes";
  };

export interface SmsSender {
  /** Whether a send costs money; limits and numbering plans apply to those alone. */
  readonly paid: boolean;
  /** Never throws: a provider that fails, hangs or answers nonsense is a refusal. At most 10 s. */
  send(to: PhoneNumber, text: string): Promise<SmsOutcome>;
}
