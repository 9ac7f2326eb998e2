// How long to wait, in words: in errors of the API, on the page of an invitation and in the web client.

import type { Language } from "./language.ts";

export interface WaitTexts extends Record<"seconds" | "minutes" | "hours", (count: number) => string> {
  tryIn: (wait: string) => string;
}

export const WAIT_TEXTS: Record<Language, WaitTexts> = {
  en: {
    tryIn: (wait) => `Try again in ${wait}.`,
    seconds: (count) => count === 1 ? "1 second" : `${count} seconds`,
    minutes: (count) => count === 1 ? "1 minute" : `${count} minutes`,
    hours: (count) => count === 1 ? "1 hour" : `${count} hours`,
  },
  es: {
    tryIn: (wait) => `Prueba otra vez en ${wait}.`,
    seconds: (count) => count === 1 ? "1 segundo" : `${count} segundos`,
    minutes: (count) => count === 1 ? "1 minuto" : `${count} minutos`,
    hours: (count) => count === 1 ? "1 hora" : `${count} horas`,
  },
};

/** A waiting time in words, rounded up, in seconds, minutes or hours. */
export function waitText(texts: WaitTexts, seconds: number): string {
  if (seconds < 90) return texts.seconds(Math.ceil(seconds));
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? texts.minutes(minutes) : texts.hours(Math.ceil(minutes / 60));
}
