// The available languages, and which of them the holder of a number is likely to read.

import { countryOf, type PhoneNumber } from "../phone_number.ts";

export const LANGUAGES = ["en", "es"] as const;

export type Language = typeof LANGUAGES[number];

/** The language for all countries that have no other one of ours. */
const OTHERWISE = "en";

/**
 * ISO 3166-1 codes of the countries where most people read a language. A language without an entry does not
 * compile.
 */
const COUNTRIES: Record<Exclude<Language, typeof OTHERWISE>, string> = {
  es: "AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE",
};

const LANGUAGE_BY_COUNTRY: ReadonlyMap<string, Language> = new Map(
  LANGUAGES.flatMap((language) =>
    language === OTHERWISE
      ? []
      : COUNTRIES[language].split(" ").map((country): [string, Language] => [country, language])
  ),
);

/** By the number's country, which is all that is known of somebody who has never used the service. */
export function languageOf(phone: PhoneNumber): Language {
  return LANGUAGE_BY_COUNTRY.get(countryOf(phone) ?? "") ?? OTHERWISE;
}
