// The languages that we have, and which of them somebody is likely to read.

import { countryOf, type PhoneNumber } from "../phone_number.ts";

export const LANGUAGES = ["en", "es"] as const;

export type Language = typeof LANGUAGES[number];

/** ISO 3166-1 codes of the countries where Spanish is what most people read. */
const SPANISH = new Set(
  "AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE".split(" "),
);

/** By the number's country: all that is known of somebody who has never been here. */
export function languageOf(phone: PhoneNumber): Language {
  return SPANISH.has(countryOf(phone) ?? "") ? "es" : "en";
}
