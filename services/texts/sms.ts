// The texts of every SMS in every language. Only characters of GSM-7, which has no acute a, i, o or u.

import type { Language } from "./language.ts";

interface SmsWords {
  passcode: (passcode: string) => string;
  /** Sent instead of a passcode that could not be used. */
  instead: { sign_in: string; sign_up: string };
  /** Sent from our number: says who invites, and how to opt out. */
  invite: (inviter: string, url: string) => string;
  /** Sent from the inviter's own phone. */
  deviceInvite: (url: string) => string;
}

export const SMS_WORDS: Record<Language, SmsWords> = {
  en: {
    passcode: (passcode) => `${passcode} is your PuffinTalk code. Do not share it.`,
    instead: {
      sign_in:
        "You have a PuffinTalk account already: sign in instead. If you did not ask for this, ignore it.",
      sign_up: "You have no PuffinTalk account yet: sign up instead. If you did not ask for this, ignore it.",
    },
    invite: (inviter, url) => `${inviter} invites you to PuffinTalk: ${url} Opt out: reply STOP`,
    deviceInvite: (url) => `Talk with me on PuffinTalk: ${url}`,
  },
  es: {
    passcode: (passcode) => `${passcode} es tu clave de PuffinTalk. No la compartas.`,
    instead: {
      sign_in:
        "Ya tienes una cuenta de PuffinTalk: entra en vez de registrarte. Si no lo has pedido, ignora este SMS.",
      sign_up:
        "No tienes cuenta de PuffinTalk: crea una en vez de entrar. Si no lo has pedido, ignora este SMS.",
    },
    invite: (inviter, url) => `${inviter} te invita a PuffinTalk: ${url} Baja: responde STOP`,
    deviceInvite: (url) => `Habla conmigo en PuffinTalk: ${url}`,
  },
};
