import type { PhoneNumber } from "../phone_number.ts";

/** Why an SMS was not sent, as error codes of the API. */
export type SmsRefusal = "sms_failed" | "sms_opted_out" | "sms_not_allowed" | "sms_disabled";

/**
 * The outcome of an SMS. `provider_id` is the provider's id for it, which later callbacks use;
 * `provider_code` is the provider's own error number, for the log.
 */
export type SmsOutcome =
  | { sent: true; provider_id: string | null }
  | {
    sent: false;
    refusal: SmsRefusal;
    provider_code: number | null;
    /**
     * Whether it may have been sent, and charged for, all the same. `unlikely` if the failure was reported by
     * something that need not have been the provider.
     */
    perhaps: "no" | "unlikely" | "yes";
  };

export interface SmsSender {
  /** Whether SMS cost money; only then limits and numbering plans apply. */
  readonly paid: boolean;
  /**
   * Never throws: a provider that fails, hangs or answers nonsense counts as a refusal. Takes 10 s at most.
   */
  send(to: PhoneNumber, text: string): Promise<SmsOutcome>;
}
