// Loading libphonenumber's metadata costs 22 ms of the start. It is imported eagerly all the same: a lazy
// import would make the configuration asynchronous, and would stall the event loop at the first passcode.
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import type { PhoneNumber } from "./texts/e164.ts";

export { parsePhoneNumber, parseTypedNumber, type PhoneNumber } from "./texts/e164.ts";

/**
 * For logs and pages: shows two digits at either end and hides the length. At least three digits stay hidden.
 */
export function maskPhoneNumber(phoneNumber: PhoneNumber): string {
  return `${phoneNumber.slice(0, 3)}****${phoneNumber.slice(-2)}`;
}

/**
 * The ISO 3166-1 country code; null outside all numbering plans and for numbers that belong to no country.
 */
export function countryOf(phoneNumber: PhoneNumber): string | null {
  return parsePhoneNumberFromString(phoneNumber)?.country ?? null;
}

/** The same, or the first country with its dial code for a number outside the plans, such as test numbers. */
export function likelyCountryOf(phoneNumber: PhoneNumber): string | null {
  return countryOf(phoneNumber) ?? parsePhoneNumberFromString(phoneNumber)?.getPossibleCountries()[0] ?? null;
}

/** The country calling code, which countries may share; the number itself outside all numbering plans. */
export function dialCodeOf(phoneNumber: PhoneNumber): string {
  return parsePhoneNumberFromString(phoneNumber)?.countryCallingCode ?? phoneNumber;
}

/**
 * Whether the number, exactly as it stands, is valid in its numbering plan. `+33 (0)6 ...` is not, although
 * the library understands it: otherwise one phone would have two numbers. Checked only for what costs money.
 */
export function isDiallable(phoneNumber: PhoneNumber): boolean {
  const planned = parsePhoneNumberFromString(phoneNumber);
  return planned?.number === phoneNumber && planned.isValid();
}

/**
 * Whether an SMS to the number makes sense: not to premium-rate and shared-cost numbers, nor to landlines.
 * Unknown kinds of line are accepted, and so are countries whose plans do not tell mobile numbers from
 * landlines.
 */
export function takesSms(phoneNumber: PhoneNumber): boolean {
  const type = parsePhoneNumberFromString(phoneNumber)?.getType();
  return type !== "PREMIUM_RATE" && type !== "SHARED_COST" && type !== "FIXED_LINE";
}
