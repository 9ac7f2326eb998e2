// What a phone number is, whatever the numbering plans say: for the service, and for its own client in browsers.

declare const brand: unique symbol;

/** A phone number in E.164 with its plus sign, the only form that is stored or compared (ITU-T E.164). */
export type PhoneNumber = string & { readonly [brand]: "PhoneNumber" };

const SPELLING_LENGTH_MAX = 64;
/** With those that phones put into the numbers of their address books, and marks of the direction of writing around them. */
const SEPARATORS = /[\p{Zs}\p{Pd}\u2212.()\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const OPTIONAL_ZERO = /\(\p{Zs}*0\p{Zs}*\)/u;
const E164 = /^(?:\+|00)?([1-9][0-9]{6,14})$/;

/**
 * Reads `+14155550123`, `0014155550123` or `14155550123`, with spaces, dashes, dots or parentheses anywhere,
 * whatever their code points. That covers a query whose `+` was decoded to a space. Only the syntax counts: numbering plans change
 * before their metadata does.
 */
export function parsePhoneNumber(text: string): PhoneNumber | null {
  if (text.length > SPELLING_LENGTH_MAX) return null;
  const digits = E164.exec(text.replaceAll(SEPARATORS, ""))?.[1];
  return digits === undefined ? null : `+${digits}` as PhoneNumber;
}

/**
 * The same of what somebody typed: `+44 (0)7700 900123`, as address books have it, is not taken. Whether its 0 belongs to the
 * number depends on the country, and with it somebody else may be meant.
 */
export function parseTypedNumber(text: string): PhoneNumber | null {
  return OPTIONAL_ZERO.test(text) ? null : parsePhoneNumber(text);
}
