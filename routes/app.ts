// Everything the service answers. A request passes from top to bottom: it is named and logged, its address and method
// are judged, then the route's own chain: session, body, schema, service, answer.

import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { Config } from "../services/config.ts";
import type { Services } from "../services/services.ts";
import { answerHeaders } from "./answer_headers.ts";
import { appLinkRoutes } from "./app_links.ts";
import { authRoutes } from "./auth.ts";
import { clientAddress } from "./client_address.ts";
import { contactRoutes } from "./contacts.ts";
import { devRoutes } from "./dev.ts";
import type { AppEnv } from "./env.ts";
import { onError } from "./errors.ts";
import { createGate } from "./gate.ts";
import { judgeHost } from "./host.ts";
import { invitePageErrors, inviteRoutes } from "./invite_page.ts";
import { inviteListRoutes } from "./invites.ts";
import { mediaPath, mediaRoutes } from "./media.ts";
import { mediaDownloadRoutes } from "./media_download.ts";
import { messageRoutes } from "./messages.ts";
import { notificationRoutes } from "./notifications.ts";
import { describeApi } from "./openapi.ts";
import { pushRoutes } from "./push.ts";
import { requestLog } from "./request_log.ts";
import { judgeRoute } from "./route_table.ts";
import { createRouter } from "./router.ts";
import { systemRoutes } from "./system.ts";
import { ticketRoutes } from "./tickets.ts";
import { twilioRoutes } from "./twilio.ts";
import { TUS_HEADERS, uploadRoutes } from "./uploads.ts";
import { WEB_PATH, webRoutes } from "./web.ts";
import { NO_FILES } from "./web_files.ts";
import { createWire } from "./wire.ts";

export type AppConfig = Pick<
  Config,
  "androidApp" | "corsOrigins" | "iosApp" | "phoneWireFormat" | "publicUrl" | "trustedProxyCount"
>;

export function createApp(
  services: Services,
  config: AppConfig,
  { gate = createGate(), webFiles = NO_FILES } = {},
) {
  const app = createRouter<AppEnv>(mediaPath);
  const wire = createWire(config);
  const address = clientAddress(config.trustedProxyCount);
  const { publicUrl } = config;
  const invitePage = { ...services, publicUrl, next: webFiles.size > 0 ? WEB_PATH : publicUrl, address };

  app.onError(onError);
  app.use(requestLog);
  app.use(answerHeaders(config.publicUrl));
  app.use("/i/*", invitePageErrors(invitePage));
  app.use(judgeHost);
  app.use(gate.middleware);
  app.use(allowOrigins(config.corsOrigins));
  app.use(judgeRoute(app));

  app.route("/", authRoutes(services, address));
  app.route("/", contactRoutes(services, wire, address));
  app.route("/", mediaRoutes(services, config.publicUrl));
  app.route("/", mediaDownloadRoutes(services));
  app.route("/", uploadRoutes(services));
  app.route("/", messageRoutes(services, wire));
  app.route("/", notificationRoutes(services, wire, address));
  app.route("/", ticketRoutes(services));
  app.route("/", pushRoutes(services));
  app.route("/", inviteRoutes(invitePage));
  app.route("/", appLinkRoutes(config));
  app.route("/", inviteListRoutes(services, wire));
  app.route("/", twilioRoutes(services.twilioCallbacks));
  app.route("/", systemRoutes(services, webFiles.size > 0));
  app.route("/", webRoutes(webFiles));
  if (services.console) app.route("/", devRoutes(services.console, wire, webFiles));
  describeApi(app, config.publicUrl);
  return app;
}

/**
 * Tokens travel in headers and never in cookies, so any page may call the API unless CORS_ORIGINS says otherwise.
 * WebSockets know no CORS, and the response of an upgrade takes no headers.
 */
function allowOrigins(origins: AppConfig["corsOrigins"]) {
  const allow = cors({
    origin: origins === "*" ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposeHeaders: ["X-Request-Id", "Retry-After", "Accept-Ranges", "Content-Range", "ETag", ...TUS_HEADERS],
    maxAge: 600,
  });
  return createMiddleware<AppEnv>((c, next) => {
    // Who has no origin asks for no permission, and of what browsers keep they ask again before they show it.
    if (c.req.header("origin") === undefined) return next();
    // Without this header an OPTIONS asks the address itself, as tus does, and is no preflight.
    const asks = c.req.method === "OPTIONS" && !c.req.header("access-control-request-method");
    // What is for developers on this machine, or for a person to look at, is for no page of anybody else's.
    const isPrivate = /^\/(app|dev|i)(\/|$)/.test(c.req.path);
    return c.req.header("upgrade") || asks || isPrivate ? next() : allow(c, next);
  });
}
