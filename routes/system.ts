// The service's index, its health, and its readiness.

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import type { Services } from "../services/services.ts";
import { answers, success } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { preference } from "./preferences.ts";
import { createRouter } from "./router.ts";
import { WEB_PATH } from "./web.ts";

const tags = ["System"];

const root = createRoute({
  method: "get",
  path: "/",
  tags,
  summary: "About this service",
  responses: {
    302: {
      description: "Clients that prefer HTML to JSON, such as browsers, are redirected to the web client",
    },
    ...answers(
      "The name of the service, and links",
      success({
        service: z.literal("PuffinTalk"),
        about: z.string(),
        links: z.record(z.string(), z.string()),
      }),
      [],
    ),
  },
});

const healthz = createRoute({
  method: "get",
  path: "/healthz",
  tags,
  summary: "Whether the process is alive",
  responses: answers("It is alive", success({ status: z.literal("ok") }), []),
});

const readyz = createRoute({
  method: "get",
  path: "/readyz",
  tags,
  summary: "Whether the service can do its work",
  responses: answers("Its database answers", success({ status: z.literal("ready") }), []),
});

function prefersPage(c: Context): boolean {
  if (preference(c.req, "Accept") === undefined) return false;
  const supports = ["application/json", "text/html"];
  return accepts(c, { header: "Accept", supports, default: "application/json" }) === "text/html";
}

/** @param hasWebClient whether the web client was built */
export function systemRoutes({ ready }: Pick<Services, "ready">, hasWebClient: boolean) {
  return createRouter<AppEnv>()
    .openapi(root, (c) => {
      c.header("Vary", "Accept");
      if (hasWebClient && prefersPage(c)) return c.redirect(WEB_PATH, 302);
      return c.json({
        success: true as const,
        service: "PuffinTalk" as const,
        about: "Messaging for people who have nothing but a phone number",
        links: {
          api: "/openapi.json",
          health: "/healthz",
          ready: "/readyz",
          ...(hasWebClient ? { web: WEB_PATH } : {}),
        },
      }, 200);
    })
    .openapi(healthz, (c) => c.json({ success: true as const, status: "ok" as const }, 200))
    .openapi(readyz, async (c) => {
      await ready();
      return c.json({ success: true as const, status: "ready" as const }, 200);
    });
}
