// Serves the web client: one page and its files. Everything else it gets through the API, like any client.

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
  description: "An HTML page. It keeps its token in no cookie and no URL.",
  responses: {
    200: { description: "The page", content: { "text/html": { schema: z.string() } } },
    304: { description: "Not modified" },
    ...errorAnswers(["not_found"]),
  },
});

const part = createRoute({
  method: "get",
  path: `${WEB_PATH}/{file}`,
  tags,
  summary: "A file of the web client",
  request: { params: z.object({ file: z.string().openapi({ param: { name: "file", in: "path" } }) }) },
  responses: {
    200: { description: "The file", content: { "application/octet-stream": { schema: z.string() } } },
    304: { description: "Not modified" },
    ...errorAnswers(["not_found"]),
  },
});

/**
 * The policy of our own pages: one inline style sheet, and nothing from other hosts.
 * @param host as the browser names it: for Safari before 16, 'self' does not cover sockets of the same host
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

/** Without a build of the web client these addresses are 404. */
export function webRoutes(files: WebFiles) {
  return createRouter<AppEnv>()
    .openapi(page, (c) => sendFile(c, files.get("index.html")))
    .openapi(part, (c) => {
      const name = c.req.valid("param").file;
      const file = name.endsWith(".html") ? undefined : files.get(name);
      if (name === "worker.js") {
        c.header("Service-Worker-Allowed", WEB_PATH);
        // The worker fetches the files that it caches, and no page's policy applies to it.
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
