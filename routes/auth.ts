// Signing up and in with a passcode, and the sessions that come of it.

import { createRoute, z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import type { Accounts } from "../services/accounts.ts";
import type { Sessions } from "../services/sessions.ts";
import type { ErrorCode } from "../services/errors.ts";
import { answers, BODY_ERRORS, jsonBody, SECURITY, SESSION_ERRORS, success } from "./answers.ts";
import type { ClientAddress } from "./client_address.ts";
import type { AppEnv } from "./env.ts";
import { phoneNumber, text } from "./fields.ts";
import { readJson, readNothing } from "./json_body.ts";
import { createRouter } from "./router.ts";
import { requireSession } from "./session.ts";
import { wireSession, wireTime } from "./wire.ts";

const DEVICE_MAX = 64;
const tags = ["Authentication"];

const asked = success({
  expires_in: z.int().positive().openapi({ description: "Seconds that the passcode is good for" }),
  resend_in: z.int().positive().openapi({ description: "Seconds after which another may be asked for" }),
  code_length: z.int().positive(),
  last_delivery: z.enum(["undelivered"]).optional().openapi({
    description: "There where the SMS before this one is known not to have arrived",
  }),
}).openapi("PasscodeSent");

const signedIn = success({ token: z.string(), expires_at: wireTime }).openapi("SignedIn");
const done = success({}).openapi("Done");

const ASK_ERRORS: ErrorCode[] = [
  ...BODY_ERRORS,
  "invalid_phone_number",
  "sms_not_allowed",
  "sms_opted_out",
  "sms_disabled",
  "sms_failed",
];
const COMPLETE_ERRORS: ErrorCode[] = [
  ...BODY_ERRORS,
  "invalid_phone_number",
  "invalid_passcode",
  "passcode_expired",
  "too_many_attempts",
];

const UNIFORM =
  "Where the service runs with `UNIFORM_AUTH=1` this answers 200 whoever has an account: a number that can only do " +
  "the other is told so by SMS, and no code of it is right.";

const numberBody = z.strictObject({ phone_number: phoneNumber }).openapi("PhoneNumberBody");
const completeBody = z.strictObject({
  phone_number: phoneNumber,
  passcode: text({ min: 1, max: 64 }).openapi({ example: "123456" }),
  device: text({ min: 0, max: DEVICE_MAX }).nullish().openapi({
    description: "What the session is called in the list of sessions; by default the User-Agent",
  }),
}).openapi("CompleteBody");

const completeSignup = createRoute({
  method: "post",
  path: "/api/auth/complete-signup",
  tags,
  summary: "Sign up with the passcode",
  middleware: [readJson] as const,
  request: jsonBody(completeBody),
  responses: answers("The account exists, this is its first session", signedIn, [
    ...COMPLETE_ERRORS,
    "already_registered",
  ]),
});

const completeSignin = createRoute({
  method: "post",
  path: "/api/auth/complete-signin",
  tags,
  summary: "Sign in with the passcode",
  middleware: [readJson] as const,
  request: jsonBody(completeBody),
  responses: answers("A new session", signedIn, [...COMPLETE_ERRORS, "suspended"]),
});

export function authRoutes(
  { accounts, sessions }: { accounts: Accounts; sessions: Sessions },
  address: ClientAddress,
) {
  const signed = requireSession(sessions);
  const judgeAddress = createMiddleware<AppEnv>(async (c, next) => {
    await accounts.judgeAddress(address(c));
    await next();
  });

  const signup = createRoute({
    method: "post",
    path: "/api/auth/signup",
    tags,
    summary: "Ask for a passcode to sign up",
    description: UNIFORM,
    middleware: [judgeAddress, readJson] as const,
    request: jsonBody(numberBody),
    responses: answers("A passcode is on its way by SMS", asked, [...ASK_ERRORS, "already_registered"]),
  });

  const signin = createRoute({
    method: "post",
    path: "/api/auth/signin",
    tags,
    summary: "Ask for a passcode to sign in",
    description: UNIFORM,
    middleware: [judgeAddress, readJson] as const,
    request: jsonBody(numberBody),
    responses: answers("A passcode is on its way by SMS", asked, [...ASK_ERRORS, "not_registered"]),
  });

  const renew = createRoute({
    method: "post",
    path: "/api/auth/renew",
    tags,
    summary: "Lengthen this session",
    security: SECURITY,
    middleware: [signed, readNothing] as const,
    responses: answers("A new token of the same session; the old one works until its own end", signedIn, [
      ...SESSION_ERRORS,
      ...BODY_ERRORS,
    ]),
  });

  const signout = createRoute({
    method: "post",
    path: "/api/auth/signout",
    tags,
    summary: "End this session",
    security: SECURITY,
    middleware: [signed, readNothing] as const,
    responses: answers("The session has ended", done, [...SESSION_ERRORS, ...BODY_ERRORS]),
  });

  const list = createRoute({
    method: "get",
    path: "/api/auth/sessions",
    tags,
    summary: "My sessions",
    security: SECURITY,
    middleware: [signed] as const,
    responses: answers("Newest use first", success({ sessions: z.array(wireSession) }), SESSION_ERRORS),
  });

  const end = createRoute({
    method: "delete",
    path: "/api/auth/sessions/{id}",
    tags,
    summary: "End one of my sessions",
    security: SECURITY,
    middleware: [signed] as const,
    request: { params: z.object({ id: z.string().openapi({ param: { name: "id", in: "path" } }) }) },
    responses: answers("The session has ended", done, [...SESSION_ERRORS, "session_not_found"]),
  });

  return createRouter<AppEnv>()
    .openapi(signup, async (c) => {
      const { phone_number } = c.req.valid("json");
      return c.json({ success: true as const, ...await accounts.signUp(phone_number, address(c)) }, 200);
    })
    .openapi(signin, async (c) => {
      const { phone_number } = c.req.valid("json");
      return c.json({ success: true as const, ...await accounts.signIn(phone_number, address(c)) }, 200);
    })
    .openapi(completeSignup, async (c) => {
      const completion = toCompletion(c.req.valid("json"), c.req.header("user-agent"), address(c));
      return c.json(signedInAnswer(await accounts.completeSignUp(completion)), 200);
    })
    .openapi(completeSignin, async (c) => {
      const completion = toCompletion(c.req.valid("json"), c.req.header("user-agent"), address(c));
      return c.json(signedInAnswer(await accounts.completeSignIn(completion)), 200);
    })
    .openapi(renew, async (c) => c.json(signedInAnswer(await sessions.renew(c.get("actor"))), 200))
    .openapi(signout, async (c) => {
      await sessions.signOut(c.get("actor"));
      return c.json({ success: true as const }, 200);
    })
    .openapi(list, async (c) => {
      const rows = await sessions.list(c.get("actor"));
      const listed = rows.map((row) => ({
        ...row,
        created_at: row.created_at.toISOString(),
        last_seen_at: row.last_seen_at.toISOString(),
      }));
      return c.json({ success: true as const, sessions: listed }, 200);
    })
    .openapi(end, async (c) => {
      await sessions.end(c.get("actor"), c.req.valid("param").id);
      return c.json({ success: true as const }, 200);
    });
}

function toCompletion(
  { phone_number, passcode, device }: z.infer<typeof completeBody>,
  userAgent: string | undefined,
  address: string,
) {
  return { phone: phone_number, passcode, device: device ?? deviceOf(userAgent), address };
}

/** What the browser calls itself, as far as it is readable and fits. */
export function deviceOf(userAgent = ""): string {
  return [...userAgent.replaceAll(/[^\x20-\x7e]/g, "")].slice(0, DEVICE_MAX).join("").trim();
}

function signedInAnswer({ token, expires_at }: { token: string; expires_at: Date }) {
  return { success: true as const, token, expires_at: expires_at.toISOString() };
}
