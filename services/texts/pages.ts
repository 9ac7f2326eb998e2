// deno-lint-ignore-file prefer-ascii -- Spanish is not written in ASCII
// All texts of the invitation page, in every language: a missing text is a compile error. Sentences are
// short, because some phones have small screens.

import type { ErrorCode } from "../errors.ts";
import type { Language } from "./language.ts";
import { WAIT_TEXTS, type WaitTexts } from "./waits.ts";

/** The errors that have a text of their own on the page; any other one is shown as `unexpected`. */
export type PageError =
  | Extract<
    ErrorCode,
    | "already_registered"
    | "invalid_input"
    | "invalid_passcode"
    | "invalid_phone_number"
    | "not_found"
    | "passcode_expired"
    | "rate_limited"
    | "request_not_found"
    | "sms_disabled"
    | "sms_failed"
    | "sms_not_allowed"
    | "sms_opted_out"
    | "suspended"
    | "too_large"
    | "too_many_attempts"
    | "unauthenticated"
    | "unavailable"
    | "unexpected"
    | "unsupported_media_type"
  >
  | "stale_form";

export interface PageTexts extends WaitTexts {
  /** For link previews, which anybody may see, so they contain no phone number. */
  preview: { title: string; description: string };
  titles: Record<"start" | "passcode" | "request" | "done" | "never" | "error", string>;
  invites: (inviter: string) => string;
  about: string;
  /** Why a link is not an open invitation. */
  notices: Record<"expired" | "used" | "unknown", string>;
  yourNumber: string;
  numberLabel: string;
  numberHint: string;
  sendCode: string;
  never: string;
  neverAbout: string;
  codeLabel: string;
  codeHint: string;
  codeSent: (number: string) => string;
  undelivered: string;
  signUp: string;
  signIn: string;
  resend: string;
  resendIn: (wait: string) => string;
  asks: (inviter: string) => string;
  accept: string;
  decline: string;
  outcomes: Record<"accepted" | "declined" | "gone" | "signed_in", string>;
  next: string;
  goOn: string;
  neverDone: string;
  backToStart: string;
  startAgain: string;
  errors: Record<PageError, string>;
}

export const PAGE_TEXTS: Record<Language, PageTexts> = {
  en: {
    ...WAIT_TEXTS.en,
    preview: {
      title: "An invitation to PuffinTalk",
      description: "Somebody you know wants to talk with you, in text, voice and video.",
    },
    titles: {
      start: "Invitation",
      passcode: "Your code",
      request: "Friend request",
      done: "Welcome",
      never: "No more invitations",
      error: "That did not work",
    },
    invites: (inviter) => `${inviter} invites you`,
    about: "PuffinTalk lets you talk in text, voice and video. All you need is your phone number.",
    notices: {
      expired: "This invitation has expired. You can still sign up here.",
      used: "This invitation was already used. Sign in to go on.",
      unknown: "We do not know this invitation. You can still sign up.",
    },
    yourNumber: "Your number:",
    numberLabel: "Your phone number",
    numberHint: "With the country code, as in +14155550123",
    sendCode: "Send me a code",
    never: "Never invite me again",
    neverAbout: "No invitations will reach this number any more.",
    codeLabel: "Code from the SMS",
    codeHint: "Six digits",
    codeSent: (number) => `We sent an SMS to ${number}.`,
    undelivered: "The last SMS did not arrive at this number.",
    signUp: "Sign up",
    signIn: "Sign in",
    resend: "Send the code again",
    resendIn: (wait) => `Nothing came? Ask again in ${wait}.`,
    asks: (inviter) => `${inviter} wants to be your friend.`,
    accept: "Accept",
    decline: "Decline",
    outcomes: {
      accepted: "You are friends now and can write to each other.",
      declined: "You declined. Nobody is told.",
      gone: "There is no open request from this number any more.",
      signed_in: "Your account is ready.",
    },
    next: "Go on in PuffinTalk: sign in there with your phone number. You will get a new code by SMS.",
    goOn: "Go to PuffinTalk",
    neverDone: "Done. No invitation will be sent to this number again.",
    backToStart: "Back to the invitation",
    startAgain: "Start again",
    errors: {
      already_registered: "This number is registered already. Ask for a new code to sign in.",
      invalid_input: "This page was not filled in as expected. Start again.",
      invalid_passcode: "This code is wrong or was already used. Check the newest SMS.",
      invalid_phone_number: "This is not a phone number. Write it with its country code and without (0).",
      not_found: "There is no page at this address.",
      passcode_expired: "This code has expired. Ask for a new one.",
      rate_limited: "Not now: there were too many requests.",
      request_not_found: "There is no open request from this number any more.",
      sms_disabled: "We send no SMS at the moment. Please try again later.",
      sms_failed: "The SMS could not be sent. Please try again.",
      sms_not_allowed: "We cannot send an SMS to this number.",
      sms_opted_out: "This number has opted out of SMS. Text START to our sender to opt in again.",
      stale_form: "This page is too old. Go on from here.",
      suspended: "This account is suspended.",
      too_large: "That was too much for this page.",
      too_many_attempts: "Too many wrong codes. Ask for a new one later.",
      unauthenticated: "You are not signed in any more. Ask for a new code.",
      unavailable: "We cannot do this right now. Please try again in a moment.",
      unexpected: "Something went wrong here. Please try again later.",
      unsupported_media_type: "This page was not sent as expected. Start again.",
    },
  },
  es: {
    ...WAIT_TEXTS.es,
    preview: {
      title: "Una invitación a PuffinTalk",
      description: "Alguien que conoces quiere hablar contigo por texto, voz y video.",
    },
    titles: {
      start: "Invitación",
      passcode: "Tu código",
      request: "Solicitud de amistad",
      done: "Te damos la bienvenida",
      never: "Sin más invitaciones",
      error: "No ha funcionado",
    },
    invites: (inviter) => `${inviter} te invita`,
    about: "Con PuffinTalk hablas por texto, voz y video. Solo necesitas tu número de teléfono.",
    notices: {
      expired: "Esta invitación ha caducado. Aun así puedes registrarte aquí.",
      used: "Esta invitación ya se usó. Inicia sesión para seguir.",
      unknown: "No conocemos esta invitación. Aun así puedes registrarte.",
    },
    yourNumber: "Tu número:",
    numberLabel: "Tu número de teléfono",
    numberHint: "Con el código del país, como +14155550123",
    sendCode: "Enviarme un código",
    never: "No invitarme nunca más",
    neverAbout: "Ninguna invitación llegará más a este número.",
    codeLabel: "Código del SMS",
    codeHint: "Seis cifras",
    codeSent: (number) => `Enviamos un SMS al ${number}.`,
    undelivered: "El último SMS no llegó a este número.",
    signUp: "Registrarme",
    signIn: "Iniciar sesión",
    resend: "Enviar el código otra vez",
    resendIn: (wait) => `¿No llegó nada? Pídelo otra vez en ${wait}.`,
    asks: (inviter) => `${inviter} quiere ser tu amigo.`,
    accept: "Aceptar",
    decline: "Rechazar",
    outcomes: {
      accepted: "Ahora sois amigos y podéis escribiros.",
      declined: "Has rechazado la solicitud. No se avisa a nadie.",
      gone: "Ya no hay ninguna solicitud abierta de este número.",
      signed_in: "Tu cuenta está lista.",
    },
    next: "Sigue en PuffinTalk: inicia sesión allí con tu número. Un código nuevo llega por SMS.",
    goOn: "Ir a PuffinTalk",
    neverDone: "Hecho. No se enviará ninguna invitación más a este número.",
    backToStart: "Volver a la invitación",
    startAgain: "Empezar de nuevo",
    errors: {
      already_registered: "Este número ya está registrado. Pide un código nuevo para iniciar sesión.",
      invalid_input: "La página no se rellenó como se esperaba. Empieza de nuevo.",
      invalid_passcode: "Este código no es correcto o ya se usó. Mira el SMS más reciente.",
      invalid_phone_number: "Esto no es un número de teléfono. Escríbelo con el código del país y sin (0).",
      not_found: "No hay ninguna página en esta dirección.",
      passcode_expired: "Este código ha caducado. Pide uno nuevo.",
      rate_limited: "Ahora no: se pidió demasiadas veces.",
      request_not_found: "Ya no hay ninguna solicitud abierta de este número.",
      sms_disabled: "Ahora mismo no enviamos SMS. Prueba otra vez más tarde.",
      sms_failed: "No se pudo enviar el SMS. Prueba otra vez.",
      sms_not_allowed: "No podemos enviar SMS a este número.",
      sms_opted_out: "Este número no quiso más SMS. Envía START a nuestro número para recibirlos otra vez.",
      stale_form: "Esta página es demasiado antigua. Sigue desde aquí.",
      suspended: "Esta cuenta está suspendida.",
      too_large: "Eso fue demasiado para esta página.",
      too_many_attempts: "Demasiados códigos incorrectos. Pide uno nuevo más tarde.",
      unauthenticated: "Tu sesión ha terminado. Pide un código nuevo.",
      unavailable: "Ahora mismo no es posible. Prueba otra vez en un momento.",
      unexpected: "Algo ha fallado aquí. Prueba otra vez más tarde.",
      unsupported_media_type: "La página no se envió como se esperaba. Empieza de nuevo.",
    },
  },
};

/** The error to show for a code; `unexpected` if the page has no text for it. */
export function pageErrorOf(code: ErrorCode): PageError {
  return code in PAGE_TEXTS.en.errors ? code as PageError : "unexpected";
}
