// A client of PuffinTalk for browsers: signs in, manages contacts, sends, uploads, and listens for changes.
// It knows nothing of the pages.

import type { components } from "./api.ts";
import { openLocalDatabase } from "./client/database.ts";
import { createDrafts } from "./client/drafts.ts";
import { ApiError, createHttp } from "./client/http.ts";
import { createListeners } from "./client/listeners.ts";
import { createLive, type Notice } from "./client/live.ts";
import { createOtherWindows } from "./client/other_windows.ts";
import { createOutbox } from "./client/outbox.ts";
import { createPush } from "./client/push.ts";
import { createSessionKeeper, isAWeekOld, type Session } from "./client/session.ts";
import { rowsWith } from "./client/stored_data.ts";
import { createUnsentTexts } from "./client/unsent_texts.ts";
import { createUploads } from "./client/uploads.ts";

export type { Draft } from "./client/drafts.ts";
export { ApiError, PASSING, refusalOf } from "./client/http.ts";
export type { Connection, Notice } from "./client/live.ts";
export type { Session } from "./client/session.ts";
export type Contact = components["schemas"]["Contact"];
export type Message = components["schemas"]["Message"];
export type Device = components["schemas"]["Session"];
export type InviteList = components["schemas"]["InviteList"];

export type Purpose = "signup" | "signin";
export interface CodeSent {
  purpose: Purpose;
  /** Seconds until another passcode may be asked for. */
  resend_in: number;
  /** Whether the SMS before this one is known not to have arrived. */
  isUndelivered: boolean;
}
export interface Page {
  /** Newest first. */
  messages: Message[];
  has_more: boolean;
}

/** Why the session ended: this user signed out or deleted the account, or it was ended elsewhere. */
export type Ending = "signed_out" | "deleted" | "revoked";

export type Client = ReturnType<typeof createClient>;

const CONTACTS_UPDATED: Notice = { event: "contacts_updated" };
/** Errors of signing out or deleting that mean the session has already ended. */
const OVER = ["unauthenticated", "cancelled"];

/** @param name keeps the data of several people in one browser apart */
export function createClient({ origin, name }: { origin: string; name: string }) {
  const keeper = createSessionKeeper(name);
  const database = openLocalDatabase(name);
  const unsentTexts = createUnsentTexts(name);
  const ended = createListeners<Ending>();
  const token = () => keeper.current()?.token ?? null;
  const person = () => keeper.current()?.phone_number;
  let isLeaving = false;
  let lost: Promise<void> | null = null;

  const http = createHttp({ origin, token, person, onRefused: lose });
  const uploads = createUploads({ origin, token, person });
  const drafts = createDrafts({ database, name, from: person });
  const outbox = createOutbox({ drafts, http, uploads, name, person });
  const live = createLive({
    origin,
    token,
    onSessionEnded: lose,
    // A browser reports a socket that was refused for its token like one without a network. So a call is
    // made: it tells whether the session has ended, or that only sockets do not get through.
    onFailed: () =>
      void http("get", "/api/auth/sessions").then(() => live.tell({ event: "unheard" }), () => {}),
  });
  const otherWindows = createOtherWindows(name);
  // A window that is not online fetches everything once it is.
  otherWindows.on((notice) => live.state() === "online" && live.tell(notice));
  outbox.onSent(({ receiver }) => otherWindows.tell({ event: "messages_updated", sender: receiver }));
  keeper.onChange(drafts.dropForeign);
  keeper.onChange(outbox.dropForeign);
  live.onNotice(({ event }) => (event === "connected" || event === "unheard") && outbox.flush());
  addEventListener("offline", live.drop);
  addEventListener("online", () => {
    live.hurry();
    outbox.flush();
  });

  /**
   * Called when the session has ended. While this window itself is signing out, the socket may report that
   * before the answer arrives, which tells how it went.
   */
  function lose(): void {
    if (isLeaving) lost ??= end("signed_out");
    else end("revoked");
  }

  async function end(why: Ending): Promise<void> {
    if (keeper.current() === null) return;
    live.close();
    keeper.keep(null);
    await forget();
    ended.tell(why);
  }

  async function forget(): Promise<void> {
    unsentTexts.clear();
    drafts.clear();
    // If it cannot be emptied it cannot be read either; its drafts are sent for their writer only.
    await database.clear().catch(() => {});
  }

  /** Asks for the kind of passcode that the number can use: to sign in, or to sign up. */
  async function askForCode(phone_number: string): Promise<CodeSent> {
    try {
      return await ask("signin", phone_number);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "not_registered") throw error;
      return await ask("signup", phone_number);
    }
  }

  /** If it is too early for another passcode, the last one is still valid, so this is a success. */
  async function ask(purpose: Purpose, phone_number: string): Promise<CodeSent> {
    const path = purpose === "signup" ? "/api/auth/signup" : "/api/auth/signin";
    try {
      const { resend_in, last_delivery } = await http("post", path, { json: { phone_number } });
      return { purpose, resend_in, isUndelivered: last_delivery === "undelivered" };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "rate_limited" || error.retryAfter === null) {
        throw error;
      }
      return { purpose, resend_in: error.retryAfter, isUndelivered: false };
    }
  }

  async function enter(
    purpose: Purpose,
    phone_number: string,
    passcode: string,
    device: string,
  ): Promise<void> {
    const path = purpose === "signup" ? "/api/auth/complete-signup" : "/api/auth/complete-signin";
    const { token, expires_at } = await http("post", path, { json: { phone_number, passcode, device } });
    await adopt({ token, expires_at, phone_number });
  }

  /**
   * Takes over a session that was opened elsewhere. Local data is kept only if it belongs to the same number.
   */
  async function adopt(session: Session): Promise<void> {
    // Without a session the local data may belong to anybody.
    if (person() !== session.phone_number) await forget();
    keeper.keep(session);
  }

  async function signOut(): Promise<void> {
    await leave({ done: "signed_out", over: "signed_out" }, () => http("post", "/api/auth/signout"));
  }

  /** Deletes the account, which cannot be undone. */
  async function deleteAccount(): Promise<void> {
    const phone_number = person();
    if (phone_number === undefined) return;
    // If the session was ended elsewhere, the account may still exist.
    const endings = { done: "deleted", over: "revoked" } as const;
    await leave(endings, () => http("post", "/api/auth/delete-account", { json: { phone_number } }));
  }

  /**
   * @param endings `done` if the call succeeded; `over` if all that is known is that the session has ended
   */
  async function leave(endings: { done: Ending; over: Ending }, ask: () => Promise<unknown>): Promise<void> {
    const leaver = person();
    let ending = endings.done;
    isLeaving = true;
    lost = null;
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof ApiError) || lost === null && !OVER.includes(error.code)) throw error;
      // Cancelled with status 200: the call succeeded, but the session was gone by then.
      if (error.code !== "cancelled" || error.status !== 200) ending = endings.over;
    } finally {
      isLeaving = false;
    }
    await lost;
    // Somebody else may have signed in before the answer came.
    if (person() === leaver) await end(ending);
    else if (person() === undefined) ended.tell(ending);
  }

  let renewal: Promise<void> | null = null;

  /** Renews the session if it is old enough. Calls during a renewal share it. */
  function renew(): Promise<void> {
    return renewal ??= renewOnce().finally(() => renewal = null);
  }

  async function renewOnce(): Promise<void> {
    const session = keeper.current();
    if (!session || !isAWeekOld(session)) return;
    const { token, expires_at } = await http("post", "/api/auth/renew");
    // The session may have ended or changed hands in the meantime.
    if (keeper.current()?.token === session.token) keeper.keep({ ...session, token, expires_at });
  }

  /**
   * Tells the other windows about a change once its call has ended; a call without an answer may have changed
   * something too.
   */
  function told<Answer>(notice: Notice, deed: Promise<Answer>): Promise<Answer> {
    return deed.finally(() => otherWindows.tell(notice));
  }

  return {
    session: keeper.current,
    onSession: keeper.onChange,
    onEnded: ended.on,
    ask,
    askForCode,
    enter,
    adopt,
    renew,
    signOut,
    deleteAccount,
    devices: async () => (await http("get", "/api/auth/sessions")).sessions,
    endDevice: (id: string) =>
      told({ event: "sessions_updated" }, http("delete", "/api/auth/sessions/{id}", { path: { id } })),

    contacts: async () => (await http("get", "/api/contacts")).contacts,
    /** One contact; null if the number is not in the list. */
    contact: async (phone_number: string): Promise<Contact | null> => {
      const { contacts } = await http("get", "/api/contacts/{phone_number}", { path: { phone_number } });
      return contacts[0] ?? null;
    },
    request: (phone_number: string, display_name?: string) => {
      const json = { phone_number, ...(display_name === undefined ? {} : { display_name }) };
      return told(CONTACTS_UPDATED, http("put", "/api/contacts/request", { json }));
    },
    accept: (phone_number: string) =>
      told(CONTACTS_UPDATED, http("put", "/api/contacts/accept", { json: { phone_number } })),
    remove: (phone_number: string) =>
      told(CONTACTS_UPDATED, http("put", "/api/contacts/delete", { json: { phone_number } })),
    rename: (phone_number: string, display_name: string) =>
      told(CONTACTS_UPDATED, http("put", "/api/contacts/update", { json: { phone_number, display_name } })),
    invites: () => http("get", "/api/invites"),

    messages: (phone_number: string, query: { count: number; before?: number }): Promise<Page> =>
      http("get", "/api/messages/{phone_number}", { path: { phone_number }, query }),
    /** Marks a text and all texts of the sender before it as seen; of audio or video, only this message. */
    read: (sender: string, message_id: number) =>
      told(
        { event: "messages_updated", sender },
        http("put", "/api/messages/read", { json: { message_id } }),
      ),
    /** A URL that plays the media without a token, for ten minutes. */
    mediaAddress: async (id: number) => {
      const { url } = await http("get", "/api/messages/media/{id}/url", { path: { id } });
      // PUBLIC_URL may differ from the origin under which this browser reaches the service.
      const { pathname, search } = new URL(url);
      return origin + pathname + search;
    },

    outbox,
    live,
    unsentTexts,
    push: createPush({ http }),
    /**
     * Rows that were last shown, for use without a network. `texts` names the fields that must be strings;
     * rows without them are left out.
     */
    seen: {
      async get<Row>(key: string, texts: readonly (keyof Row & string)[]): Promise<Row[] | null> {
        const asker = person();
        const value = await database.get("seen", key).catch(() => null);
        return value !== null && person() === asker ? rowsWith<Row>(value, texts) : null;
      },
      /** Rejects if the browser cannot store it. */
      put: (key: string, value: unknown) => database.put("seen", value, key),
    },
  };
}
