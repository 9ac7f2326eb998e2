// Short times and dates in the language of the pages.

const FORMATS = {
  time: { hour: "numeric", minute: "2-digit" },
  date: { day: "numeric", month: "short" },
  day: { weekday: "short", day: "numeric", month: "long" },
} as const;

/** Cached: on a slow phone, to create a format takes longer than everything else of a message. */
const formats = new Map<string, Intl.DateTimeFormat>();
/**
 * The time zone of the cached formats. Each keeps its zone, and the user may travel while the page is open.
 */
let place = "";

function write(date: Date, language: string, name: keyof typeof FORMATS): string {
  if (Number.isNaN(date.getTime())) return "";
  const now = here();
  if (place !== now) formats.clear();
  place = now;
  const key = `${language} ${name}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(language, FORMATS[name]);
  formats.set(key, format);
  return format.format(date);
}

/**
 * Identifies the time zone by its offsets now, in January and in July: to ask for its name is as slow as to
 * create a format.
 */
function here(): string {
  const now = new Date();
  const seasons = [0, 6].map((month) => new Date(now.getFullYear(), month, 1));
  return [now, ...seasons].map((date) => date.getTimezoneOffset()).join();
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Today's date and time zone. When it changes, times that are shown have to be redrawn. */
export function todayHere(): string {
  return `${new Date().toDateString()} ${here()}`;
}

export function timeOf(iso: string, language: string): string {
  return write(new Date(iso), language, "time");
}

/** The time if it is today, otherwise the date. */
export function dayOrTime(iso: string, language: string): string {
  const date = new Date(iso);
  if (startOfDay(date) === startOfDay(new Date())) return timeOf(iso, language);
  return write(date, language, "date");
}

/** The name of a day, for the line between messages. */
export function dayOf(iso: string, language: string, words: { today: string; yesterday: string }): string {
  const date = new Date(iso);
  const daysAgo = Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);
  if (daysAgo === 0) return words.today;
  if (daysAgo === 1) return words.yesterday;
  return write(date, language, "day");
}

/** Formats seconds as `1:05`. */
export function minutesOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
