import type { PhoneNumber } from "../phone_number.ts";
import type { Language } from "../texts/language.ts";
import { SMS_WORDS } from "../texts/sms.ts";

/** What one SMS holds before it is split, and paid, as two (3GPP TS 23.038). */
export const SEGMENT_SEPTETS = 160;

/** The longest host whose passcodes and invitations still fit into one segment beside our words. */
export const HOST_LENGTH_MAX = 57;

const BASIC = new Set(
  "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5" +
    "\u0394_\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\u00c6\u00e6\u00df\u00c9" +
    " !\"#\u00a4%&'()*+,-./0123456789:;<=>?" +
    "\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7" +
    "\u00bfabcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0",
);
const EXTENSION = new Set("\f^{}\\[~]|\u20ac");

/** How many septets the text takes in GSM-7; null where a character is not in it (3GPP TS 23.038, 6.2.1). */
export function gsm7Septets(text: string): number | null {
  let septets = 0;
  for (const character of text) {
    if (BASIC.has(character)) septets += 1;
    else if (EXTENSION.has(character)) septets += 2;
    else return null;
  }
  return septets;
}

/**
 * The SMS of a passcode. Its last line lets a browser on that host, and on no other, fill the code in
 * (WebOTP, origin-bound one-time codes); such a line holds no port, so one in `host` is dropped.
 */
export function passcodeText(passcode: string, host: string, language: Language = "en"): string {
  const domain = host.replace(/:[0-9]+$/, "");
  return `${SMS_WORDS[language].passcode(passcode)}\n\n@${domain} #${passcode}`;
}

/** What the owner of a number can do, where somebody asked for the other. */
export type Instead = "sign_in" | "sign_up";

/** The SMS to a number that cannot do what was asked for. */
export function insteadText(instead: Instead, language: Language): string {
  return SMS_WORDS[language].instead[instead];
}

/** The SMS of an invitation. Nothing in it was worded by the inviter. */
export function inviteText(inviter: PhoneNumber, url: string, language: Language): string {
  return SMS_WORDS[language].invite(inviter, url);
}

/** The same from the inviter's own phone, which says by itself who it is. */
export function deviceInviteText(url: string, language: Language): string {
  return SMS_WORDS[language].deviceInvite(url);
}
