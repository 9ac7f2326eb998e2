// Sign-up and sign-in by passcode, and the caller's sessions.

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Accounts } from "../services/accounts.ts";
import type { Deletion } from "../services/deletion.ts";
import type { ErrorCode } from "../services/errors.ts";
import type { Sessions } from "../services/sessions/sessions.ts";
import { done, success } from "./answers.ts";
import type { ClientAddress } from "./client_address.ts";
import type { AppEnv } from "./env.ts";
import { phoneNumber, text } from "./fields.ts";
import { type AddOpen, type AddSigned, type CallContext, jsonCalls, NO_BODY } from "./json_calls.ts";
import { createRouter } from "./router.ts";
import { wireSession, wireTime } from "./wire.ts";

const DEVICE_MAX = 64;
const tags = ["Authentication"];

const asked = success({
  expires_in: z.int().positive().openapi({ description: "How many seconds the passcode is valid" }),
  resend_in: z.int().positive().openapi({ description: "Seconds until another one can be requested" }),
  code_length: z.int().positive(),
  last_delivery: z.enum(["undelivered"]).optional().openapi({
    description: "Present if the previous SMS is known not to have arrived",
  }),
}).openapi("PasscodeSent");

const signedIn = success({ token: z.string(), expires_at: wireTime }).openapi("SignedIn");

const ASK_ERRORS: ErrorCode[] = [
  "invalid_phone_number",
  "sms_not_allowed",
  "sms_opted_out",
  "sms_disabled",
  "sms_failed",
];
const COMPLETE_ERRORS: ErrorCode[] = [
  "invalid_phone_number",
  "invalid_passcode",
  "passcode_expired",
  "too_many_attempts",
];

const UNIFORM =
  "With `UNIFORM_AUTH=1` this answers 200 whether or not the number has an account. If it can only do the other " +
  "(sign in or sign up), the SMS says so, and no code is accepted.";

const numberBody = z.strictObject({ phone_number: phoneNumber }).openapi("PhoneNumberBody");
const completeBody = z.strictObject({
  phone_number: phoneNumber,
  passcode: text({ min: 1, max: 64 }).openapi({ example: "123456" }),
  device: text({ min: 0, max: DEVICE_MAX }).nullish().openapi({
    description: "The session's name in the list of sessions; by default the User-Agent",
  }),
}).openapi("CompleteBody");

export function authRoutes(
  { accounts, deletion, sessions }: { accounts: Accounts; deletion: Deletion; sessions: Sessions },
  { calls, address }: { calls: CallContext; address: ClientAddress },
) {
  const router = createRouter<AppEnv>();
  const { addOpen, addSigned } = jsonCalls(router, calls);
  addAsks(addOpen, accounts, address);
  addCompletions(addOpen, accounts, address);
  addSessions(addSigned, sessions);
  addDeletion(addSigned, deletion);
  return router;
}

function addAsks(addOpen: AddOpen, accounts: Accounts, address: ClientAddress): void {
  const judge = (c: Context<AppEnv>) => accounts.judgeAsk(address(c));
  const shared = {
    method: "post" as const,
    tags,
    judge,
    takes: { body: numberBody },
    answer: asked,
    meaning: "A passcode is on its way by SMS",
  };

  addOpen(
    {
      ...shared,
      path: "/api/auth/signup",
      summary: "Ask for a passcode to sign up",
      description: UNIFORM,
      errors: [...ASK_ERRORS, "already_registered"],
    },
    async ({ body: { phone_number } }, c) => ({
      success: true as const,
      ...await accounts.ask(phone_number, "signup", address(c)),
    }),
  );

  addOpen(
    {
      ...shared,
      path: "/api/auth/signin",
      summary: "Ask for a passcode to sign in",
      description: UNIFORM,
      errors: [...ASK_ERRORS, "not_registered"],
    },
    async ({ body: { phone_number } }, c) => ({
      success: true as const,
      ...await accounts.ask(phone_number, "signin", address(c)),
    }),
  );
}

function addCompletions(addOpen: AddOpen, accounts: Accounts, address: ClientAddress): void {
  const judge = (c: Context<AppEnv>) => accounts.judgeGuess(address(c));
  const shared = { method: "post" as const, tags, judge, takes: { body: completeBody }, answer: signedIn };

  addOpen({
    ...shared,
    path: "/api/auth/complete-signup",
    summary: "Sign up with the passcode",
    meaning: "The account exists; this is its first session",
    errors: [...COMPLETE_ERRORS, "already_registered"],
  }, async ({ body }, c) => {
    const completion = toCompletion(body, c.req.header("user-agent"), address(c));
    return signedInAnswer(await accounts.completeSignUp(completion));
  });

  addOpen({
    ...shared,
    path: "/api/auth/complete-signin",
    summary: "Sign in with the passcode",
    meaning: "A new session",
    errors: [...COMPLETE_ERRORS, "suspended"],
  }, async ({ body }, c) => {
    const completion = toCompletion(body, c.req.header("user-agent"), address(c));
    return signedInAnswer(await accounts.completeSignIn(completion));
  });
}

function addSessions(addSigned: AddSigned, sessions: Sessions): void {
  addSigned({
    method: "post",
    path: "/api/auth/renew",
    tags,
    summary: "Extend this session",
    takes: { body: NO_BODY },
    answer: signedIn,
    meaning: "A new token for the same session; the old one works until it expires",
    errors: [],
  }, async (me) => signedInAnswer(await sessions.renew(me)));

  addSigned({
    method: "post",
    path: "/api/auth/signout",
    tags,
    summary: "End this session",
    takes: { body: NO_BODY },
    answer: done,
    meaning: "The session has ended",
    errors: [],
  }, async (me) => {
    await sessions.signOut(me);
    return { success: true as const };
  });

  addSigned({
    method: "get",
    path: "/api/auth/sessions",
    tags,
    summary: "My sessions",
    takes: {},
    answer: success({ sessions: z.array(wireSession) }),
    meaning: "Most recently used first",
    errors: [],
  }, async (me) => {
    const rows = await sessions.list(me);
    const listed = rows.map((row) => ({
      ...row,
      created_at: row.created_at.toISOString(),
      last_seen_at: row.last_seen_at.toISOString(),
    }));
    return { success: true as const, sessions: listed };
  });

  addSigned({
    method: "delete",
    path: "/api/auth/sessions/{id}",
    tags,
    summary: "End one of my sessions",
    takes: { params: z.object({ id: z.string().openapi({ param: { name: "id", in: "path" } }) }) },
    answer: done,
    meaning: "The session has ended",
    errors: ["session_not_found"],
  }, async (me, { params }) => {
    await sessions.end(me, params.id);
    return { success: true as const };
  });
}

function addDeletion(addSigned: AddSigned, deletion: Deletion): void {
  addSigned({
    method: "post",
    path: "/api/auth/delete-account",
    tags,
    summary: "Delete my account",
    description:
      "Requires my own number, to prevent accidents. This cannot be undone. All my sessions end at once, " +
      "nobody's list shows me, neither side can read my conversations, and the number is not registered any more. " +
      "The messages of both sides and my media are erased after that; media of mine that others forwarded stay theirs.",
    takes: { body: numberBody },
    answer: done,
    meaning: "The account is deleted",
    errors: ["invalid_phone_number"],
  }, async (me, { body }) => {
    await deletion.deleteAccount(me, body.phone_number);
    return { success: true as const };
  });
}

function toCompletion(
  { phone_number, passcode, device }: z.infer<typeof completeBody>,
  userAgent: string | undefined,
  address: string,
) {
  return { phone: phone_number, passcode, device: device ?? deviceOf(userAgent), address };
}

/** A device name from the User-Agent: its printable ASCII, cut to `DEVICE_MAX` characters. */
export function deviceOf(userAgent = ""): string {
  return [...userAgent.replaceAll(/[^\x20-\x7e]/g, "")].slice(0, DEVICE_MAX).join("").trim();
}

function signedInAnswer({ token, expires_at }: { token: string; expires_at: Date }) {
  return { success: true as const, token, expires_at: expires_at.toISOString() };
}
