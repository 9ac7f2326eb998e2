// Reading libphonenumber's metadata costs 22 ms of the start. It is imported eagerly all the same: loaded
// late it would make the configuration asynchronous and stop the event loop at somebody's first passcode.
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import type { PhoneNumber } from "./texts/e164.ts";

export { parsePhoneNumber, parseTypedNumber, type PhoneNumber } from "./texts/e164.ts";

/** For logs and pages: two digits at either end, and not even the length. Three digits or more stay hidden. */
export function maskPhoneNumber(phoneNumber: PhoneNumber): string {
  return `${phoneNumber.slice(0, 3)}****${phoneNumber.slice(-2)}`;
}

/** The ISO 3166-1 code of its country; null outside every numbering plan and for numbers of no country. */
export function countryOf(phoneNumber: PhoneNumber): string | null {
  return parsePhoneNumberFromString(phoneNumber)?.country ?? null;
}

/** The same, or the first of those that its dial code may mean: of a number that is in no plan, as those of tests are. */
export function likelyCountryOf(phoneNumber: PhoneNumber): string | null {
  return countryOf(phoneNumber) ?? parsePhoneNumberFromString(phoneNumber)?.getPossibleCountries()[0] ?? null;
}

/** The digits that its country shares, perhaps with others; the number itself outside every numbering plan. */
export function dialCodeOf(phoneNumber: PhoneNumber): string {
  return parsePhoneNumberFromString(phoneNumber)?.countryCallingCode ?? phoneNumber;
}

/**
 * Whether it is valid in its numbering plan, as it stands: `+33 (0)6 ...` is not, though the plan knows what is meant, or one
 * phone would have two numbers. Gates what costs money, and nothing else.
 */
export function isDiallable(phoneNumber: PhoneNumber): boolean {
  const planned = parsePhoneNumberFromString(phoneNumber);
  return planned?.number === phoneNumber && planned.isValid();
}

/**
 * Whether an SMS makes sense there: not where it costs whoever is called, and not on a landline. Unknown kinds of line
 * count as good, and so do those of countries whose plan does not tell mobile numbers from landlines.
 */
export function takesSms(phoneNumber: PhoneNumber): boolean {
  const type = parsePhoneNumberFromString(phoneNumber)?.getType();
  return type !== "PREMIUM_RATE" && type !== "SHARED_COST" && type !== "FIXED_LINE";
}
