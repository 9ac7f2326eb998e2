import type { PhoneNumber } from "../phone_number.ts";
import type { Language } from "../texts/language.ts";
import { SMS_WORDS } from "../texts/sms.ts";

/** Length of one SMS; a longer text is split, and paid for, as two (3GPP TS 23.038). */
export const SEGMENT_SEPTETS = 160;

/** The longest host with which the texts of passcodes and invitations still fit into one segment. */
export const HOST_LENGTH_MAX = 57;

const BASIC = new Set(
  "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5" +
    "\u0394_\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\u00c6\u00e6\u00df\u00c9" +
    " !\"#\u00a4%&'()*+,-./0123456789:;<=>?" +
    "\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7" +
    "\u00bfabcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0",
);
const EXTENSION = new Set("\f^{}\\[~]|\u20ac");

/** The septets of a text in GSM-7; null if a character is not in that alphabet (3GPP TS 23.038, 6.2.1). */
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
 * The SMS with a passcode. Its last line lets a browser fill in the code on that host and no other (WebOTP,
 * origin-bound one-time codes). Such a line cannot hold a port, so a port in `host` is dropped.
 */
export function passcodeText(passcode: string, host: string, language: Language = "en"): string {
  const domain = host.replace(/:[0-9]+$/, "");
  return `${SMS_WORDS[language].passcode(passcode)}\n\n@${domain} #${passcode}`;
}

/** What the number's owner can do instead, after the wrong form was used. */
export type Instead = "sign_in" | "sign_up";

/** The SMS to a number for which the wrong form was used. */
export function insteadText(instead: Instead, language: Language): string {
  return SMS_WORDS[language].instead[instead];
}

/** The SMS of an invitation. None of its words come from the inviter. */
export function inviteText(inviter: PhoneNumber, url: string, language: Language): string {
  return SMS_WORDS[language].invite(inviter, url);
}

/** The invitation sent from the inviter's own phone, which identifies the sender by itself. */
export function deviceInviteText(url: string, language: Language): string {
  return SMS_WORDS[language].deviceInvite(url);
}
