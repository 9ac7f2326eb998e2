// Wires every route of the service. A request first gets its effective method (`asMeant`, at the end of the
// file). Then it passes through this file from top to bottom: it is given an id and will be logged, its host,
// address and method are checked, and its route runs: session, body, schema, service, answer.

import type { Config } from "../services/config.ts";
import type { Answered } from "../services/metrics.ts";
import type { Services } from "../services/services.ts";
import { createAnswerHeaders } from "./answer_headers.ts";
import { appLinkRoutes } from "./app_links.ts";
import { authRoutes } from "./auth.ts";
import { createBodyCache } from "./body_cache.ts";
import { clientAddress } from "./client_address.ts";
import { contactRoutes } from "./contacts.ts";
import { devRoutes } from "./dev.ts";
import type { AppEnv } from "./env.ts";
import { onError } from "./errors.ts";
import { invitePageErrors, inviteRoutes } from "./invites/invite_page.ts";
import { inviteListRoutes } from "./invites/invites.ts";
import type { CallContext } from "./json_calls.ts";
import { createLargeAnswers } from "./large_answers.ts";
import { mediaRoutes, pathOf } from "./media.ts";
import { mediaDownloadRoutes } from "./media_download.ts";
import { messageRoutes } from "./messages.ts";
import { asMeant } from "./method_override.ts";
import { checkRequest, recordRequest } from "./middleware.ts";
import { notificationRoutes } from "./notifications/notifications.ts";
import { describeApi } from "./openapi.ts";
import { allowOrigin } from "./origins.ts";
import { pushRoutes } from "./push.ts";
import { createRequestTracker } from "./request_tracker.ts";
import { createRouteJudge } from "./route_table.ts";
import { createRouter } from "./router.ts";
import { systemRoutes } from "./system.ts";
import { ticketRoutes } from "./tickets.ts";
import { twilioRoutes } from "./twilio.ts";
import { nameTus, uploadRoutes, UPLOADS_PATH } from "./uploads/uploads.ts";
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
  { tracker = createRequestTracker(), webFiles = NO_FILES, count = (_answered: Answered) => {} } = {},
) {
  const app = createRouter<AppEnv>(pathOf);
  const wire = createWire(config);
  const bodyCache = createBodyCache();
  const headers = createAnswerHeaders(config.publicUrl);
  const largeAnswers = createLargeAnswers();
  const calls: CallContext = {
    sessions: services.sessions,
    respond(c, body, me) {
      const text = bodyCache.textOf(body) ?? JSON.stringify(body);
      return headers.json(c, me === null ? text : largeAnswers.bodyOf(c, me, text));
    },
    largeAnswers,
  };
  const address = clientAddress(config.trustedProxyCount);
  const { publicUrl } = config;
  const invitePage = { ...services, publicUrl, next: webFiles.size > 0 ? WEB_PATH : publicUrl, address };

  app.onError(onError);
  app.use(recordRequest({ tracker, headers, count }));
  app.use("/i/*", invitePageErrors(invitePage));
  app.use(`${UPLOADS_PATH}/*`, nameTus());
  app.use(
    checkRequest({
      tracker,
      judgeRoute: createRouteJudge(app),
      allowOrigin: allowOrigin(config.corsOrigins),
    }),
  );

  app.route("/", authRoutes(services, { calls, address }));
  app.route("/", contactRoutes(services.contacts, { calls, wire, address }));
  app.route("/", mediaRoutes(services, { calls, publicUrl, late: tracker.late }));
  app.route("/", mediaDownloadRoutes(services));
  app.route("/", uploadRoutes(services, tracker.late));
  app.route("/", messageRoutes(services, { calls, wire, bodyCache }));
  app.route("/", notificationRoutes(services, wire, address));
  app.route("/", ticketRoutes(services.tickets, calls));
  app.route("/", pushRoutes(services.push, calls));
  app.route("/", inviteRoutes(invitePage));
  app.route("/", appLinkRoutes(config));
  app.route("/", inviteListRoutes(services.invites, { calls, wire }));
  app.route("/", twilioRoutes(services.twilioCallbacks));
  app.route("/", systemRoutes(services, webFiles.size > 0));
  app.route("/", webRoutes(webFiles));
  if (services.console) app.route("/", devRoutes(services.console, wire, webFiles));
  describeApi(app, config.publicUrl);
  // The effective method comes before everything else, because routes are found by it.
  const { fetch } = app;
  app.fetch = (request, ...rest) => fetch(asMeant(request), ...rest);
  return app;
}
