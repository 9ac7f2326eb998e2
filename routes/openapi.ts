import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ERROR_NAME, errorAnswers, errorBody } from "./answers.ts";
import type { AppEnv } from "./env.ts";

const ABOUT = `Messaging for people who have nothing but a phone number.

Every success carries \`success: true\`. Every error carries \`success: false\`, a \`message\` for people, a \`code\` for
programs and a \`request_id\`, and where waiting helps \`retry_after\` in seconds. Phone numbers may be written as
\`+14155550123\`, \`0014155550123\` or \`14155550123\`, with spaces, dashes, dots and parentheses. Unknown fields in
bodies are refused.`;

/** In the order in which a client needs them. */
const TAGS = {
  Authentication: "Sign up and sign in by a passcode in an SMS, and sessions",
  Contacts: "Friends and friend requests",
  Messages: "Texts, audio and video to friends, and read receipts",
  Media: "Files, in one piece or resumable by tus",
  Notifications: "The WebSocket, which says what to fetch again",
  Push: "Web Push to phones without a socket",
  Invitations: "Links by SMS for people without an account",
  "Provider callbacks": "Callbacks for Twilio",
  "Web client": "The client that comes with the service",
  System: "Health of the service, and this document",
  Development: "Available while no SMS are sent",
};

const route = createRoute({
  method: "get",
  path: "/openapi.json",
  tags: ["System"],
  summary: "This document",
  responses: {
    200: {
      description: "OpenAPI 3.1",
      content: { "application/json": { schema: z.object({ openapi: z.string() }) } },
    },
    ...errorAnswers([], ["unexpected"]),
  },
});

/**
 * Serves the OpenAPI document of all routes registered so far. It is built and serialized once, at the first
 * request: it has 160 KB, and repeated requests for it must not slow others down.
 */
export function describeApi(app: OpenAPIHono<AppEnv>, publicUrl: string): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "queryToken", {
    type: "apiKey",
    in: "query",
    name: "token",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "ticket", {
    type: "apiKey",
    in: "query",
    name: "ticket",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "signature", {
    type: "apiKey",
    in: "query",
    name: "signature",
  });
  app.openAPIRegistry.register(ERROR_NAME, errorBody);
  for (const [name, header] of Object.entries(HEADERS)) {
    app.openAPIRegistry.registerComponent("headers", name, header);
  }
  let text: Uint8Array<ArrayBuffer> | null = null;
  app.openAPIRegistry.registerPath(route);
  app.get(route.path, (c) => {
    text ??= new TextEncoder().encode(JSON.stringify(completed(app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "PuffinTalk",
        version: "1.0.0",
        description: ABOUT,
        license: { name: "MIT", url: "https://opensource.org/license/mit" },
      },
      servers: [{ url: publicUrl }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    }))));
    return c.body(text, 200, { "Content-Type": "application/json" });
  });
}

/** Headers shared by many answers. */
const HEADERS = {
  RequestId: {
    schema: { type: "string" as const },
    description: "Identifies the request, also in the service's log",
  },
  RetryAfter: {
    schema: { type: "integer" as const, minimum: 1 },
    description: "Seconds until trying again makes sense; present where waiting helps",
  },
};
/** Statuses after which waiting mostly helps. */
const WAITING = ["408", "429", "503"];

interface Operation {
  operationId?: string;
  security?: unknown[];
  responses: Record<string, { headers?: Record<string, unknown> }>;
}

/**
 * Completes every operation: a name for generated clients (`post_auth_complete_signup`), an empty `security`
 * where it needs no session, and the common headers.
 */
function completed<Document extends { paths?: Record<string, object> }>(document: Document): Document {
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    const words = path.replace(/^\/api\b/, "").match(/\w+/g) ?? ["root"];
    for (const [method, operation] of Object.entries(item) as [string, Operation][]) {
      operation.operationId ??= [method, ...words].join("_");
      operation.security ??= [];
      for (const [status, response] of Object.entries(operation.responses)) {
        // Deno itself writes the head of an upgrade.
        if (status === "101") continue;
        response.headers = {
          "X-Request-Id": { $ref: "#/components/headers/RequestId" },
          ...(WAITING.includes(status) ? { "Retry-After": { $ref: "#/components/headers/RetryAfter" } } : {}),
          ...response.headers,
        };
      }
    }
  }
  return document;
}
