// Metrics on a port of their own, so that clients of the service cannot reach them.

import type { Metrics } from "../services/metrics.ts";

const PATH = "/metrics";

/** Serves `GET /metrics` and nothing else. */
export function serveMetrics(metrics: Metrics): (request: Request) => Promise<Response> {
  return async ({ method, url }) => {
    if (new URL(url).pathname !== PATH) return refuse(404, `Not found: metrics are at ${PATH}`);
    if (method !== "GET" && method !== "HEAD") {
      return refuse(405, "Metrics can only be read, with GET", { Allow: "GET, HEAD" });
    }
    const headers = {
      "Cache-Control": "no-store",
      "Content-Type": metrics.contentType,
      "X-Content-Type-Options": "nosniff",
    };
    return new Response(await metrics.text(), { headers });
  };
}

function refuse(status: number, why: string, headers: Record<string, string> = {}): Response {
  return new Response(`${why}\n`, { status, headers });
}
