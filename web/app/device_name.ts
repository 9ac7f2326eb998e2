type Names = readonly (readonly [RegExp, string])[];

/** The first match counts: most browsers name others before themselves. */
const BROWSERS: Names = [
  [/KAIOS\/([\d.]+)/, "KaiOS"],
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: Names = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** The name of this browser in the list of devices. */
export function deviceName(userAgent: string): string {
  const nameIn = (names: Names) => names.find(([form]) => form.test(userAgent))?.[1];
  return [nameIn(BROWSERS) ?? "PuffinTalk", nameIn(SYSTEMS)].filter(Boolean).join(", ");
}
