// The web client: one page and the files that it is made of. Everything else it gets through the API, like every client.

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../services/errors.ts";
import { errorAnswers } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { hasAlready } from "./etags.ts";
import { preference } from "./preferences.ts";
import { createRouter } from "./router.ts";
import { encodingFor, type WebFile, type WebFiles } from "./web_files.ts";

export const WEB_PATH = "/app";

const tags = ["Web client"];

const page = createRoute({
  method: "get",
  path: WEB_PATH,
  tags,
  summary: "The web client",
  description: "A page for people. Its token is in no cookie and no address.",
  responses: {
    200: { description: "The page", content: { "text/html": { schema: z.string() } } },
    304: { description: "It is the one that the client has" },
    ...errorAnswers(["not_found"]),
  },
});

const part = createRoute({
  method: "get",
  path: `${WEB_PATH}/{file}`,
  tags,
  summary: "A file that the web client is made of",
  request: { params: z.object({ file: z.string().openapi({ param: { name: "file", in: "path" } }) }) },
  responses: {
    200: { description: "The file", content: { "application/octet-stream": { schema: z.string() } } },
    304: { description: "It is the one that the client has" },
    ...errorAnswers(["not_found"]),
  },
});

/**
 * What a page of ours may do: nothing inline but its own style, nothing from elsewhere.
 * @param host as the browser calls it: to Safari until 16 a socket of the same host is not of 'self'
 */
function pagePolicy(styleHash: string, host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styleHash}`,
    "img-src 'self'",
    "media-src 'self' blob:",
    `connect-src 'self' ws://${host} wss://${host}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Where nothing was built, these addresses are 404. */
export function webRoutes(files: WebFiles) {
  return createRouter<AppEnv>()
    .openapi(page, (c) => sendFile(c, files.get("index.html")))
    .openapi(part, (c) => {
      const name = c.req.valid("param").file;
      const file = name.endsWith(".html") ? undefined : files.get(name);
      if (name === "worker.js") {
        c.header("Service-Worker-Allowed", WEB_PATH);
        // It may fetch what it keeps, and has no page whose policy would say so.
        c.header("Content-Security-Policy", "default-src 'none'; connect-src 'self'; frame-ancestors 'none'");
      }
      return sendFile(c, file);
    });
}

/** @throws AppError not_found */
export function sendFile(c: Context, file: WebFile | undefined): Response {
  if (!file) throw new AppError("not_found");
  const encoding = encodingFor(file, preference(c.req, "Accept-Encoding"));
  const etag = `"${file.hash}${encoding ? `-${encoding}` : ""}"`;
  c.header("Content-Type", file.type);
  c.header("Cache-Control", file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache");
  c.header("Vary", "Accept-Encoding");
  c.header("ETag", etag);
  c.header("Cross-Origin-Resource-Policy", "same-origin");
  if (file.styleHash) {
    c.header("Content-Security-Policy", pagePolicy(file.styleHash, new URL(c.req.url).host));
    c.header("Cross-Origin-Opener-Policy", "same-origin");
    c.header("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)");
    c.header("Referrer-Policy", "no-referrer");
  }
  if (hasAlready(c.req.header("if-none-match"), etag)) return c.body(null, 304);
  if (encoding) c.header("Content-Encoding", encoding);
  return c.body(encoding ? file.encoded[encoding]! : file.bytes, 200);
}
