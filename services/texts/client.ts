// deno-lint-ignore-file prefer-ascii -- Spanish is not written in ASCII
// All texts of the web client, in every language: a missing text is a compile error. Labels of keys are one
// short word, because a keypad phone has to show three of them beside each other.

import type { ErrorCode } from "../errors.ts";
import type { Language } from "./language.ts";
import { WAIT_TEXTS, type WaitTexts } from "./waits.ts";

/** The errors that have a text of their own in the client; any other one is shown as `unexpected`. */
export type ClientError =
  | Extract<
    ErrorCode,
    | "already_friends"
    | "already_registered"
    | "already_requested"
    | "contact_not_found"
    | "invalid_media"
    | "invalid_passcode"
    | "invalid_phone_number"
    | "media_not_found"
    | "not_friends"
    | "not_registered"
    | "own_number"
    | "passcode_expired"
    | "peer_deleted"
    | "quota_exceeded"
    | "rate_limited"
    | "recipient_not_found"
    | "request_not_found"
    | "session_not_found"
    | "sms_failed"
    | "sms_not_allowed"
    | "sms_opted_out"
    | "suspended"
    | "too_large"
    | "too_many_attempts"
    | "unauthenticated"
    | "unavailable"
    | "unexpected"
    | "user_not_found"
  >
  | "microphone"
  | "offline"
  | "unplayable"
  | "unreadable";

export interface ClientTexts extends WaitTexts {
  /** The language's own name. */
  language: string;
  keys: Record<
    | "add"
    | "attach"
    | "back"
    | "cancel"
    | "done"
    | "go"
    | "more"
    | "open"
    | "pause"
    | "play"
    | "save"
    | "select"
    | "send"
    | "settings"
    | "stop",
    string
  >;
  about: string;
  numberLabel: string;
  numberHint: string;
  sendCode: string;
  revoked: string;
  /** After the account was deleted. */
  deleted: string;
  code: {
    title: string;
    sent: (number: string) => string;
    label: string;
    hint: string;
    short: string;
    signin: string;
    signup: string;
    resend: string;
    resendIn: (wait: string) => string;
    undelivered: string;
    otherNumber: string;
    /** Used if only the SMS may reveal who has an account. */
    instead: Record<"signin" | "signup", string>;
  };
  chats: {
    title: string;
    sections: Record<"requested" | "accepted" | "waiting" | "deleted", string>;
    none: string;
    noneAbout: string;
    unread: (count: number) => string;
    pick: string;
  };
  add: {
    title: string;
    numberLabel: string;
    nameLabel: string;
    nameHint: string;
    ask: string;
    asked: string;
    invite: string;
    bySms: string;
  };
  invites: {
    title: string;
    none: string;
    left: (count: number) => string;
    status: Record<"sent" | "undelivered" | "joined", string>;
  };
  /** The status of a contact, as a sentence. */
  standing: Record<"accepted" | "requested" | "requesting" | "blocked" | "deleted", string>;
  person: {
    title: string;
    accept: string;
    decline: string;
    takeBack: string;
    remove: string;
    removeAsk: (name: string) => string;
    resume: string;
    unknown: string;
    write: string;
    saved: string;
  };
  thread: {
    write: string;
    empty: string;
    older: string;
    emoji: string;
    voice: string;
    film: string;
    caption: string;
    today: string;
    yesterday: string;
    status: Record<"waiting" | "failed" | "created" | "delivered" | "seen", string>;
    again: string;
    discard: string;
    uploading: (percent: number) => string;
    /** For a message with a file that the browser cannot store. */
    onlyHere: string;
    mine: string;
    /** For audio and video. */
    notPlayed: string;
  };
  voice: { asking: string; recording: string; ready: string };
  player: { audio: string; video: string; position: string };
  settings: {
    title: string;
    number: string;
    language: string;
    colours: string;
    auto: string;
    light: string;
    dark: string;
    notices: string;
    on: string;
    off: string;
    noticesDenied: string;
    noticesAlways: string;
    /** Shown if no push service can wake this browser. */
    noticesOpen: string;
    devices: string;
    thisDevice: string;
    lastSeen: (when: string) => string;
    endDevice: string;
    signOut: string;
    signOutAsk: string;
    deleteAccount: string;
    deleteAsk: string;
  };
  connecting: string;
  displaced: string;
  useHere: string;
  news: (name: string) => string;
  newsHidden: string;
  askedHidden: string;
  /** Shown above a field, together with the number of characters that are too many. */
  tooLong: (max: number) => string;
  tooMany: (count: number) => string;
  errors: Record<ClientError, string>;
}

export const CLIENT_TEXTS: Record<Language, ClientTexts> = {
  en: {
    ...WAIT_TEXTS.en,
    language: "English",
    keys: {
      add: "Add",
      attach: "Attach",
      back: "Back",
      cancel: "Cancel",
      done: "Done",
      go: "Go",
      more: "Options",
      open: "Open",
      pause: "Pause",
      play: "Play",
      save: "Save",
      select: "Select",
      send: "Send",
      settings: "Settings",
      stop: "Stop",
    },
    about: "Talk in text, voice and video. All you need is your phone number.",
    numberLabel: "Your phone number",
    numberHint: "With the country code, as in +14155550123",
    sendCode: "Send me a code",
    revoked: "You were signed out on this device. Sign in to go on.",
    deleted: "Your account is deleted.",
    code: {
      title: "Your code",
      sent: (number) => `We sent an SMS to ${number}.`,
      label: "Code from the SMS",
      hint: "Six digits",
      short: "The code has six digits.",
      signin: "Sign in",
      signup: "Sign up",
      resend: "Send the code again",
      resendIn: (wait) => `Nothing came? Ask again in ${wait}.`,
      undelivered: "The last SMS did not arrive at this number.",
      otherNumber: "Another number",
      instead: { signin: "The SMS says to sign in", signup: "The SMS says to sign up" },
    },
    chats: {
      title: "Chats",
      sections: {
        requested: "Want to be friends",
        accepted: "Friends",
        waiting: "You asked",
        deleted: "Deleted",
      },
      none: "Nobody here yet",
      noneAbout: "Add a friend by phone number. People without an account get an invitation by SMS.",
      unread: (count) => count === 1 ? "1 unread" : `${count} unread`,
      pick: "Choose somebody to talk to.",
    },
    add: {
      title: "Add a friend",
      numberLabel: "Phone number",
      nameLabel: "Your name for this person",
      nameHint: "Only you see it",
      ask: "Ask to be friends",
      asked: "Your request is on its way.",
      invite: "This number has no account yet. Send the invitation from your own phone:",
      bySms: "Write the SMS",
    },
    invites: {
      title: "Invitations sent",
      none: "None yet. Add somebody without an account, and we invite them by SMS.",
      left: (count) => `You can send ${count} more in these 24 hours.`,
      status: {
        sent: "No account yet.",
        undelivered: "The SMS did not arrive. Is the number right?",
        joined: "Has an account now.",
      },
    },
    standing: {
      accepted: "You are friends.",
      requested: "Wants to be your friend.",
      requesting: "You asked to be friends. No answer yet.",
      blocked: "Has deleted you. You can write again once they ask you.",
      deleted: "You deleted this contact.",
    },
    person: {
      title: "Contact",
      accept: "Accept",
      decline: "Decline",
      takeBack: "Take the request back",
      remove: "Delete",
      removeAsk: (name) => `Delete ${name}? You can be friends again later; your messages stay.`,
      resume: "Be friends again",
      unknown: "This number is not in your list.",
      write: "Write",
      saved: "The name is saved.",
    },
    thread: {
      write: "Message",
      empty: "No messages yet. Say hello!",
      older: "Older messages",
      emoji: "Emoji",
      voice: "Voice message",
      film: "Video or audio file",
      caption: "Caption",
      today: "Today",
      yesterday: "Yesterday",
      status: {
        waiting: "Waiting",
        failed: "Not sent",
        created: "Sent",
        delivered: "Delivered",
        seen: "Seen",
      },
      again: "Try again",
      discard: "Discard",
      uploading: (percent) => `Uploading, ${percent} %`,
      onlyHere: "This browser cannot store it. Keep PuffinTalk open until it is sent.",
      mine: "You",
      notPlayed: "Not played yet",
    },
    voice: { asking: "Allow the microphone to begin.", recording: "Recording", ready: "Ready to send" },
    player: { audio: "Voice message", video: "Video", position: "Position" },
    settings: {
      title: "Settings",
      number: "Your number",
      language: "Language",
      colours: "Colours",
      auto: "As the device",
      light: "Light",
      dark: "Dark",
      notices: "Notifications",
      on: "On",
      off: "Off",
      noticesDenied: "The browser blocks notifications. You can allow them in its settings.",
      noticesAlways: "You are notified even while PuffinTalk is closed.",
      noticesOpen: "This browser notifies you only while PuffinTalk is open.",
      devices: "Devices",
      thisDevice: "This device",
      lastSeen: (when) => `Last used ${when}`,
      endDevice: "Sign out there",
      signOut: "Sign out",
      signOutAsk: "Sign out? Unsent messages will be lost.",
      deleteAccount: "Delete account",
      deleteAsk:
        "Delete your account? Everything that you and others wrote to each other is deleted, for them too. " +
        "This cannot be undone.",
    },
    connecting: "Connecting\u2026",
    displaced: "PuffinTalk is open in too many windows.",
    useHere: "Use it here",
    news: (name) => `New message from ${name}`,
    newsHidden: "You have a new message",
    askedHidden: "Somebody wants to be your friend",
    tooLong: (max) => `At most ${max} characters fit here.`,
    tooMany: (count) => count === 1 ? "1 is too many." : `${count} are too many.`,
    errors: {
      already_friends: "You are friends already.",
      already_registered: "This number has an account. Ask for a new code to sign in.",
      already_requested: "You have asked already. Wait for the answer.",
      contact_not_found: "This person is not in your list any more.",
      invalid_media: "This is not an audio or video file that can be played.",
      invalid_passcode: "This code is wrong or was already used. Check the newest SMS.",
      invalid_phone_number: "This is not a phone number. Write it with its country code and without (0).",
      media_not_found: "This is no longer available.",
      microphone: "The microphone cannot be used. Allow it in the browser's settings.",
      not_friends: "You can write when both of you want to be friends.",
      not_registered: "This number has no account. Ask for a new code to sign up.",
      offline: "There is no connection right now. Try again when you are online.",
      own_number: "This is your own number.",
      passcode_expired: "This code has expired. Ask for a new one.",
      peer_deleted: "This person has deleted you. You are friends again once they ask you.",
      quota_exceeded: "Your audio and video files take up all your space.",
      rate_limited: "That was a little too much at once.",
      recipient_not_found: "This person is not in your list any more.",
      request_not_found: "There is no open request from this person any more.",
      session_not_found: "That device was signed out already.",
      sms_failed: "The SMS could not be sent. Please try again.",
      sms_not_allowed: "We cannot send an SMS to this number.",
      sms_opted_out: "This number has opted out of SMS. Text START to our sender to opt in again.",
      suspended: "This account is suspended.",
      too_large: "This file is too large.",
      too_many_attempts: "Too many wrong codes. Ask for a new one later.",
      unauthenticated: "You are signed out. Sign in to go on.",
      unavailable: "We cannot do this right now. Please try again in a moment.",
      unexpected: "Something went wrong. Please try again later.",
      unplayable: "This browser cannot play this.",
      unreadable: "This file has changed or is gone. Choose it again.",
      user_not_found: "This number has no account.",
    },
  },
  es: {
    ...WAIT_TEXTS.es,
    language: "Español",
    keys: {
      add: "Añadir",
      attach: "Anexar",
      back: "Atrás",
      cancel: "Cancelar",
      done: "Listo",
      go: "Ir",
      more: "Opciones",
      open: "Abrir",
      pause: "Pausa",
      play: "Oír",
      save: "Guardar",
      select: "Elegir",
      send: "Enviar",
      settings: "Ajustes",
      stop: "Parar",
    },
    about: "Habla por texto, voz y video. Solo necesitas tu número de teléfono.",
    numberLabel: "Tu número de teléfono",
    numberHint: "Con el código del país, como +14155550123",
    sendCode: "Enviarme un código",
    revoked: "Se cerró tu sesión en este dispositivo. Inicia sesión para seguir.",
    deleted: "Tu cuenta se eliminó.",
    code: {
      title: "Tu código",
      sent: (number) => `Enviamos un SMS al ${number}.`,
      label: "Código del SMS",
      hint: "Seis cifras",
      short: "El código tiene seis cifras.",
      signin: "Iniciar sesión",
      signup: "Registrarme",
      resend: "Enviar el código otra vez",
      resendIn: (wait) => `¿No llegó nada? Pídelo otra vez en ${wait}.`,
      undelivered: "El último SMS no llegó a este número.",
      otherNumber: "Otro número",
      instead: { signin: "El SMS dice que entre", signup: "El SMS dice que me registre" },
    },
    chats: {
      title: "Chats",
      sections: {
        requested: "Quieren ser tus amigos",
        accepted: "Amigos",
        waiting: "Solicitudes enviadas",
        deleted: "Eliminados",
      },
      none: "Todavía no hay nadie",
      noneAbout: "Añade a alguien por su número. Quien no tiene cuenta recibe una invitación por SMS.",
      unread: (count) => count === 1 ? "1 sin leer" : `${count} sin leer`,
      pick: "Elige con quién hablar.",
    },
    add: {
      title: "Añadir a alguien",
      numberLabel: "Número de teléfono",
      nameLabel: "Tu nombre para esta persona",
      nameHint: "Solo lo ves tú",
      ask: "Pedir amistad",
      asked: "Tu solicitud está en camino.",
      invite: "Este número aún no tiene cuenta. Envía la invitación desde tu teléfono:",
      bySms: "Escribir el SMS",
    },
    invites: {
      title: "Invitaciones enviadas",
      none: "Ninguna todavía. Pide amistad a quien no tiene cuenta y le invitamos por SMS.",
      left: (count) => `Puedes enviar ${count} más en estas 24 horas.`,
      status: {
        sent: "Aún no tiene cuenta.",
        undelivered: "El SMS no llegó. ¿Es correcto el número?",
        joined: "Ya tiene cuenta.",
      },
    },
    standing: {
      accepted: "Sois amigos.",
      requested: "Quiere ser tu amigo.",
      requesting: "Pediste amistad. Aún no hay respuesta.",
      blocked: "Te ha eliminado. Podrás escribir cuando te lo pida de nuevo.",
      deleted: "Eliminaste este contacto.",
    },
    person: {
      title: "Contacto",
      accept: "Aceptar",
      decline: "Rechazar",
      takeBack: "Retirar la solicitud",
      remove: "Eliminar",
      removeAsk: (name) => `¿Eliminar a ${name}? Puedes volver más tarde; los mensajes se quedan.`,
      resume: "Volver a ser amigos",
      unknown: "Este número no está en tu lista.",
      write: "Escribir",
      saved: "El nombre está guardado.",
    },
    thread: {
      write: "Mensaje",
      empty: "Aún no hay mensajes. ¡Saluda!",
      older: "Mensajes anteriores",
      emoji: "Emoji",
      voice: "Mensaje de voz",
      film: "Archivo de video o sonido",
      caption: "Comentario",
      today: "Hoy",
      yesterday: "Ayer",
      status: {
        waiting: "Esperando",
        failed: "No enviado",
        created: "Enviado",
        delivered: "Entregado",
        seen: "Visto",
      },
      again: "Probar otra vez",
      discard: "Borrar",
      uploading: (percent) => `Subiendo, ${percent} %`,
      onlyHere: "Este navegador no puede guardarlo. Deja PuffinTalk abierto hasta que se envíe.",
      mine: "Tú",
      notPlayed: "Sin reproducir",
    },
    voice: {
      asking: "Permite el micrófono para empezar.",
      recording: "Grabando",
      ready: "Listo para enviar",
    },
    player: { audio: "Mensaje de voz", video: "Video", position: "Posición" },
    settings: {
      title: "Ajustes",
      number: "Tu número",
      language: "Idioma",
      colours: "Colores",
      auto: "Como el dispositivo",
      light: "Claro",
      dark: "Oscuro",
      notices: "Avisos",
      on: "Sí",
      off: "No",
      noticesDenied: "El navegador no permite avisos desde aquí. Puedes cambiarlo en sus ajustes.",
      noticesAlways: "Recibes avisos también con PuffinTalk cerrado.",
      noticesOpen: "Este navegador solo avisa mientras PuffinTalk está abierto.",
      devices: "Dispositivos",
      thisDevice: "Este dispositivo",
      lastSeen: (when) => `Usado por última vez ${when}`,
      endDevice: "Cerrar allí la sesión",
      signOut: "Cerrar sesión",
      signOutAsk: "¿Cerrar sesión? Los mensajes aún no enviados se pierden.",
      deleteAccount: "Eliminar cuenta",
      deleteAsk:
        "¿Eliminar tu cuenta? Se borra todo lo que tú y otras personas se han escrito, también para ellas. " +
        "No se puede deshacer.",
    },
    connecting: "Conectando\u2026",
    displaced: "PuffinTalk está abierto en demasiadas ventanas.",
    useHere: "Usarlo aquí",
    news: (name) => `Mensaje nuevo de ${name}`,
    newsHidden: "Tienes un mensaje nuevo",
    askedHidden: "Alguien quiere ser tu amigo",
    tooLong: (max) => `Aquí caben como máximo ${max} caracteres.`,
    tooMany: (count) => count === 1 ? "Sobra 1." : `Sobran ${count}.`,
    errors: {
      already_friends: "Ya sois amigos.",
      already_registered: "Este número ya tiene cuenta. Pide un código nuevo para iniciar sesión.",
      already_requested: "Ya lo pediste. Espera la respuesta.",
      contact_not_found: "Esta persona ya no está en tu lista.",
      invalid_media: "Este archivo no es un sonido o video que se pueda reproducir.",
      invalid_passcode: "Este código no es correcto o ya se usó. Mira el SMS más reciente.",
      invalid_phone_number: "Esto no es un número de teléfono. Escríbelo con el código del país y sin (0).",
      media_not_found: "Esto ya no está.",
      microphone: "No se puede usar el micrófono. Permítelo en los ajustes del navegador.",
      not_friends: "Podéis escribiros cuando los dos queráis ser amigos.",
      not_registered: "Este número no tiene cuenta. Pide un código nuevo para registrarte.",
      offline: "Ahora no hay conexión. Prueba otra vez cuando la haya.",
      own_number: "Este es tu propio número.",
      passcode_expired: "Este código ha caducado. Pide uno nuevo.",
      peer_deleted: "Esta persona te ha eliminado. Seréis amigos otra vez cuando te lo pida.",
      quota_exceeded: "Tus sonidos y videos ocupan todo tu espacio.",
      rate_limited: "Eso fue demasiado de una vez.",
      recipient_not_found: "Esta persona ya no está en tu lista.",
      request_not_found: "Ya no hay ninguna solicitud abierta de esta persona.",
      session_not_found: "La sesión de ese dispositivo ya estaba cerrada.",
      sms_failed: "No se pudo enviar el SMS. Prueba otra vez.",
      sms_not_allowed: "No podemos enviar SMS a este número.",
      sms_opted_out: "Este número no quiso más SMS. Envía START a nuestro número para recibirlos otra vez.",
      suspended: "Esta cuenta está suspendida.",
      too_large: "Este archivo es demasiado grande.",
      too_many_attempts: "Demasiados códigos incorrectos. Pide uno nuevo más tarde.",
      unauthenticated: "Tu sesión ha terminado. Inicia sesión para seguir.",
      unavailable: "Ahora mismo no es posible. Prueba otra vez en un momento.",
      unexpected: "Algo ha fallado. Prueba otra vez más tarde.",
      unplayable: "Este navegador no puede reproducirlo.",
      unreadable: "Este archivo ha cambiado o ya no está. Elígelo de nuevo.",
      user_not_found: "Este número no tiene cuenta.",
    },
  },
};
