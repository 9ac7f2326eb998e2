// The page behind an invitation's link, for any browser: documents and forms, without scripts or cookies. A
// GET changes nothing, so link previews and mail scanners may open it as often as they like.

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError } from "../../services/errors.ts";
import type { FormTokens } from "../../services/form_tokens.ts";
import type { Invitees } from "../../services/invitees.ts";
import { preferredLanguage } from "../../services/texts/accept_language.ts";
import { LANGUAGES } from "../../services/texts/language.ts";
import { PAGE_TEXTS } from "../../services/texts/pages.ts";
import { htmlAnswers } from "../answers.ts";
import { deviceOf } from "../auth.ts";
import { readForm } from "../bodies/form_body.ts";
import type { ClientAddress } from "../client_address.ts";
import type { AppEnv } from "../env.ts";
import { STATUS } from "../errors.ts";
import { handsOver, renderPage, type View } from "../pages/invite.tsx";
import type { Speech } from "../pages/layout.tsx";
import { CONTENT_SECURITY_POLICY, HANDOVER_POLICY } from "../pages/style.ts";
import { preference } from "../preferences.ts";
import { createRouter } from "../router.ts";
import { type Step, STEP_FIELDS, takeStep, troubleOf } from "./invite_steps.ts";
import { isSameOrigin } from "./same_origin.ts";

const STEPS = Object.keys(STEP_FIELDS) as Step[];
const FIELDS = ["step", "form", ...new Set(Object.values(STEP_FIELDS).flat())] as const;
/** The status of the page by the state of its link, for browser histories and link previews. */
const LINK_STATUS = { open: 200, used: 200, expired: 410, unknown: 404 } as const;

const tags = ["Invitations"];
const request = { params: z.object({ token: z.string().openapi({ param: { name: "token", in: "path" } }) }) };

const show = createRoute({
  method: "get",
  path: "/i/{token}",
  tags,
  summary: "The invitation page",
  description: `An HTML page without scripts, in ${
    LANGUAGES.join(" and ")
  } by Accept-Language. It changes nothing.`,
  request,
  responses: htmlAnswers("Who sent the invitation, and how to sign up", {
    404: "No such invitation; it is still a page to sign up on",
    410: "An expired invitation; it is still a page to sign up on",
  }),
});

const act = createRoute({
  method: "post",
  path: "/i/{token}",
  tags,
  summary: "A form of the invitation page",
  description: "Accepts only the page's own forms: each has its own token for its step.",
  request,
  requestBody: {
    required: true,
    content: {
      "application/x-www-form-urlencoded": {
        schema: {
          type: "object",
          required: ["step", "form"],
          additionalProperties: false,
          properties: {
            ...Object.fromEntries(FIELDS.map((name) => [name, { type: "string" as const }])),
            step: { type: "string", enum: STEPS },
          },
        },
      },
    },
  },
  responses: htmlAnswers("The next state of the page", {
    400: "The input is wrong, or the form is not one of the page's",
    401: "The page's session has ended",
    403: "Not sent by the page, too old, suspended, or opted out of SMS",
    408: "The passcode has expired, or the form took longer than ten seconds to arrive",
    409: "The number has been registered meanwhile",
    413: "More than 64 KiB",
    415: "Not a form",
    429: "Too many requests or guesses; the page says when to try again",
  }),
});

export interface InvitePageOptions {
  invitees: Invitees;
  formTokens: FormTokens;
  publicUrl: string;
  /** Where people continue: the web client, or whatever is at PUBLIC_URL. */
  next: string;
  address: ClientAddress;
}

/**
 * Methods that browsers use. Their errors are pages; a request with any other comes from a program, which
 * gets JSON.
 */
const BROWSER_METHODS = ["GET", "HEAD", "POST"];

/** Middleware of all addresses of this page, so that their errors are pages as well. */
export function invitePageErrors(options: InvitePageOptions) {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    // For browsers that do not know frame-ancestors.
    c.header("X-Frame-Options", "DENY");
    c.header("Cross-Origin-Opener-Policy", "same-origin");
    c.header("X-Robots-Tag", "noindex, nofollow");
    if (BROWSER_METHODS.includes(c.req.method)) {
      c.set("showError", (refusal, status) => {
        return respond(c, options, { at: "error", trouble: troubleOf(refusal) }, status);
      });
    }
    await next();
  });
}

export function inviteRoutes(options: InvitePageOptions) {
  const { invitees, formTokens, publicUrl, address } = options;
  return createRouter<AppEnv>()
    .openapi(show, async (c) => {
      const invitation = await invitees.open(c.req.valid("param").token);
      return respond(c, options, { at: "start", invitation }, LINK_STATUS[invitation.state]);
    })
    .openapi(act, async (c) => {
      const link = c.req.valid("param").token;
      const { step: wanted, form = "", ...fields } = await readForm(c, FIELDS);
      const step = STEPS.find((known) => known === wanted);
      const expected: readonly string[] = step ? STEP_FIELDS[step] : [];
      if (!step || Object.keys(fields).some((name) => !expected.includes(name))) {
        throw new AppError("invalid_input");
      }
      const invitation = await invitees.open(link);
      if (!isSameOrigin(c, publicUrl) || !formTokens.isValid(form, link, step)) {
        return respond(c, options, { at: "start", invitation, trouble: { error: "stale_form" } }, 403);
      }
      const visit = {
        link,
        invitation,
        fields,
        device: deviceOf(c.req.header("user-agent")),
        address: address(c),
      };
      const { view, refusal } = await takeStep(invitees, step, visit);
      if (!refusal) return respond(c, options, view, 200);
      c.set("errorCode", refusal.code);
      if (refusal.details.retryAfter !== undefined) {
        c.header("Retry-After", String(refusal.details.retryAfter));
      }
      return respond(c, options, view, STATUS[refusal.code]);
    });
}

/** Renders a view in the browser's language. */
async function respond(
  c: Context<AppEnv>,
  { formTokens, next }: InvitePageOptions,
  view: View,
  status: ContentfulStatusCode,
) {
  const language = preferredLanguage(preference(c.req, "Accept-Language"));
  const link = c.req.param("token") ?? "";
  const speech: Speech = {
    language,
    texts: PAGE_TEXTS[language],
    formToken: (step) => formTokens.make(link, step),
  };
  c.header("Content-Language", language);
  c.header("Vary", "Accept-Language");
  if (handsOver(view, next)) c.header("Content-Security-Policy", HANDOVER_POLICY);
  return c.html(`<!doctype html>${await renderPage(view, speech, next)}`, status);
}
