// The SMS that the console driver printed instead of sending, visible only to developers on this machine.

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { AppError } from "../services/errors.ts";
import type { ConsoleSms } from "../services/sms/console.ts";
import { answers, errorAnswers, success } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { phoneNumber } from "./fields.ts";
import { createRouter } from "./router.ts";
import { sendFile } from "./web.ts";
import type { WebFiles } from "./web_files.ts";
import { type Wire, wireNumber, wireTime } from "./wire.ts";

/** Headers of proxies, which forward the requests of others. */
const PROXY_HEADERS = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/**
 * Whether the request comes from this machine and names it by a local name. Without the second check a page
 * elsewhere could point a domain of its own at 127.0.0.1 (DNS rebinding).
 */
function isLocal(c: Context<AppEnv>): boolean {
  const { remoteAddr } = c.env;
  const fromHere = "hostname" in remoteAddr && /^(127\.|::1$|::ffff:127\.)/.test(remoteAddr.hostname);
  const hostname = URL.parse(c.req.url)?.hostname ?? "";
  const named = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  const direct = PROXY_HEADERS.every((name) => c.req.header(name) === undefined);
  return fromHere && named && direct;
}

const localOnly = createMiddleware<AppEnv>(async (c, next) => {
  if (!isLocal(c)) throw new AppError("not_found");
  await next();
});

const sms = createRoute({
  method: "get",
  path: "/dev/sms",
  tags: ["Development"],
  summary: "The SMS that were printed instead of sent",
  description: "Only with the console driver, and only from the machine that the service runs on.",
  middleware: [localOnly] as const,
  request: { query: z.object({ to: phoneNumber.optional() }) },
  responses: answers(
    "Newest first",
    success({ messages: z.array(z.strictObject({ to: wireNumber, text: z.string(), at: wireTime })) }),
    ["not_found", "invalid_input", "invalid_phone_number"],
  ),
});

const page = createRoute({
  method: "get",
  path: "/dev",
  tags: ["Development"],
  summary: "The same as an HTML page, with two windows to try the service",
  middleware: [localOnly] as const,
  responses: {
    200: { description: "The page", content: { "text/html": { schema: z.string() } } },
    304: { description: "Not modified" },
    ...errorAnswers(["not_found"]),
  },
});

export function devRoutes(console: ConsoleSms, wire: Wire, webFiles: WebFiles) {
  return createRouter<AppEnv>()
    .openapi(sms, (c) => {
      const messages = console.sent(c.req.valid("query").to)
        .map(({ to, text, at }) => ({ to: wire.number(to), text, at: at.toISOString() }));
      return c.json({ success: true as const, messages }, 200);
    })
    .openapi(page, (c) => sendFile(c, webFiles.get("dev.html")));
}
