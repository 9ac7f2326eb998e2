// The syntax of phone numbers, without numbering plans: for the service, and for its own client in browsers.

declare const brand: unique symbol;

/** A phone number in E.164 with its plus sign, the only form that is stored or compared (ITU-T E.164). */
export type PhoneNumber = string & { readonly [brand]: "PhoneNumber" };

const SPELLING_LENGTH_MAX = 64;
/**
 * Includes the separators that phones put into the numbers of their address books, and marks of the writing
 * direction around them.
 */
const SEPARATORS = /[\p{Zs}\p{Pd}\u2212.()\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const OPTIONAL_ZERO = /\(\p{Zs}*0\p{Zs}*\)/u;
const E164 = /^(?:\+|00)?([1-9][0-9]{6,14})$/;

/**
 * Reads `+14155550123`, `0014155550123` or `14155550123`, with spaces, dashes, dots or parentheses anywhere,
 * in any Unicode variant. That covers a query whose `+` was decoded to a space. Only the syntax counts, because
 * numbering plans change before their metadata does. Null if it is no phone number.
 */
export function parsePhoneNumber(text: string): PhoneNumber | null {
  if (text.length > SPELLING_LENGTH_MAX) return null;
  const digits = E164.exec(text.replaceAll(SEPARATORS, ""))?.[1];
  return digits === undefined ? null : `+${digits}` as PhoneNumber;
}

/**
 * Like `parsePhoneNumber`, for a number that somebody typed. Refuses `+44 (0)7700 900123`, as address books have
 * it: whether the 0 belongs to the number depends on the country, and a wrong guess may reach somebody else.
 */
export function parseTypedNumber(text: string): PhoneNumber | null {
  return OPTIONAL_ZERO.test(text) ? null : parsePhoneNumber(text);
}
