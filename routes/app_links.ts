// Which installed apps may open this service's links: Digital Asset Links for Android, associated domains for iOS.

import { createRoute, z } from "@hono/zod-openapi";
import type { Config } from "../services/config.ts";
import { errorAnswers } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { createRouter } from "./router.ts";

const tags = ["System"];
const CACHING = "public, max-age=3600";

const statement = z.strictObject({
  relation: z.array(z.string()),
  target: z.strictObject({
    namespace: z.literal("android_app"),
    package_name: z.string(),
    sha256_cert_fingerprints: z.array(z.string()),
  }),
});

const association = z.strictObject({
  applinks: z.strictObject({
    details: z.array(z.strictObject({
      appIDs: z.array(z.string()),
      components: z.array(z.strictObject({ "/": z.string() })),
    })),
  }),
});

const android = createRoute({
  method: "get",
  path: "/.well-known/assetlinks.json",
  tags,
  summary: "The Android app that opens links of this service",
  responses: {
    200: {
      description: "Digital Asset Links",
      content: { "application/json": { schema: z.array(statement) } },
    },
    ...errorAnswers([], ["unexpected"]),
  },
});

const ios = createRoute({
  method: "get",
  path: "/.well-known/apple-app-site-association",
  tags,
  summary: "The iOS app that opens links of this service",
  responses: {
    200: {
      description: "Associated domains",
      content: { "application/json": { schema: association } },
    },
    ...errorAnswers([], ["unexpected"]),
  },
});

/** Without a configured app its address is 404. */
export function appLinkRoutes({ androidApp, iosApp }: Pick<Config, "androidApp" | "iosApp">) {
  const app = createRouter<AppEnv>();
  if (androidApp) {
    const target = {
      namespace: "android_app" as const,
      package_name: androidApp.packageName,
      sha256_cert_fingerprints: [androidApp.fingerprint],
    };
    app.openapi(android, (c) => {
      c.header("Cache-Control", CACHING);
      return c.json([{ relation: ["delegate_permission/common.handle_all_urls"], target }], 200);
    });
  }
  if (iosApp) {
    app.openapi(ios, (c) => {
      c.header("Cache-Control", CACHING);
      return c.json({ applinks: { details: [{ appIDs: [iosApp], components: [{ "/": "/i/*" }] }] } }, 200);
    });
  }
  return app;
}
