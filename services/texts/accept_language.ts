import { type Language, LANGUAGES } from "./language.ts";

const OTHERWISE: Language = "en";

/**
 * The language of ours that an Accept-Language header prefers (RFC 9110, section 12.5.4). Regions are ignored.
 */
export function preferredLanguage(header = ""): Language {
  const ranges = header.split(",").map((range) => {
    const [tag = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    return { name: tag.split("-")[0]!, quality };
  });
  const liked = ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
  for (const { name } of liked) {
    const language = name === "*" ? OTHERWISE : LANGUAGES.find((known) => known === name);
    if (language) return language;
  }
  return OTHERWISE;
}
