// Times in few letters, in the language of the pages.

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

export function timeOf(iso: string, language: string): string {
  return new Date(iso).toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" });
}

/** The time of today, the day of another. */
export function dayOrTime(iso: string, language: string): string {
  const date = new Date(iso);
  if (startOfDay(date) === startOfDay(new Date())) return timeOf(iso, language);
  return date.toLocaleDateString(language, { day: "numeric", month: "short" });
}

/** The name of a day, as a line between messages. */
export function dayOf(iso: string, language: string, words: { today: string; yesterday: string }): string {
  const date = new Date(iso);
  const daysAgo = Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);
  if (daysAgo === 0) return words.today;
  if (daysAgo === 1) return words.yesterday;
  return date.toLocaleDateString(language, { weekday: "short", day: "numeric", month: "long" });
}

/** Seconds as 1:05. */
export function minutesOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
