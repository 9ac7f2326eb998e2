// Times in few letters, in the language of the pages.

const FORMATS = {
  time: { hour: "numeric", minute: "2-digit" },
  date: { day: "numeric", month: "short" },
  day: { weekday: "short", day: "numeric", month: "long" },
} as const;

/**
 * Kept, because to make one takes a slow phone longer than all else that a message has on its screen. Each keeps the time
 * zone of its making: somebody may travel while the page is open.
 */
const formats = new Map<string, Intl.DateTimeFormat>();

function write(date: Date, language: string, name: keyof typeof FORMATS): string {
  const key = `${language} ${name} ${date.getTimezoneOffset()}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(language, FORMATS[name]);
  formats.set(key, format);
  return format.format(date);
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** The day and the place: where one of them is another, what was written of times is not true any more. */
export function todayHere(): string {
  const now = new Date();
  return `${now.toDateString()} ${now.getTimezoneOffset()}`;
}

export function timeOf(iso: string, language: string): string {
  return write(new Date(iso), language, "time");
}

/** The time of today, the day of another. */
export function dayOrTime(iso: string, language: string): string {
  const date = new Date(iso);
  if (startOfDay(date) === startOfDay(new Date())) return timeOf(iso, language);
  return write(date, language, "date");
}

/** The name of a day, as a line between messages. */
export function dayOf(iso: string, language: string, words: { today: string; yesterday: string }): string {
  const date = new Date(iso);
  const daysAgo = Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);
  if (daysAgo === 0) return words.today;
  if (daysAgo === 1) return words.yesterday;
  return write(date, language, "day");
}

/** Seconds as 1:05. */
export function minutesOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
