// Requests to every route, with anything wrong in any field. See fuzz_run.ts for the environment variables.

import fc from "fast-check";
import { STATUS } from "../routes/errors.ts";
import { textOf } from "../services/errors.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { type Cast, createCast } from "./fuzz_cast.ts";
import { encode } from "./fuzz_encoding.ts";
import { countOdd, type FuzzRequest, requestTo } from "./fuzz_requests.ts";
import { fuzz, type Judgement, REACHES_ALL, type Target, withTarget } from "./fuzz_run.ts";
import { readSurfaces, type Surface } from "./fuzz_surface.ts";
import { latin1, openHttp, type RawAnswer } from "./http_connection.ts";
import { createChecker } from "./openapi_checker.ts";
import type { Answer } from "./support.ts";

/** The calls after which the caller may have no session: a method and the pattern of a path. */
const ENDS_SESSION = /^POST .*\/(signout|delete-account)$|^DELETE .*\/sessions\//;

/** What the OpenAPI document says, and which of the two services has a route. */
async function readTarget({ service, twilio }: Target) {
  const read = async (url: string) => await (await fetch(`${url}/openapi.json`)).json();
  const document = await read(service.url);
  const surfaces = readSurfaces(document);
  ok(surfaces.length >= 39);
  return {
    surfaces,
    checker: createChecker(document),
    statuses: (surface: Surface) =>
      Object.keys(document.paths[surface.pattern][surface.method.toLowerCase()].responses),
    urlOf: ({ pattern }: Surface) => pattern.startsWith("/api/twilio/") ? twilio.url : service.url,
  };
}

type Read = Awaited<ReturnType<typeof readTarget>>;

/** Asserts that an answer has a form, status and code that are documented for this call. */
function judge(
  request: FuzzRequest,
  path: string,
  answer: RawAnswer,
  { checker, statuses }: Read,
): Judgement {
  const { status, headers } = answer;
  ok(status < 500, `${status} ${latin1(answer.body)}`);
  if (!headers.has("x-request-id") && [400, 414, 431].includes(status)) {
    equal(answer.body.length, 0, "Refused below the service");
    return "refused";
  }
  ok(headers.get("x-request-id"), `${status} without a request id`);
  const judged = status >= 400 ? "refused" : "taken";
  const methods = [request.method, meantMethod(request, path)];
  if (methods.some((method) => method === "HEAD" || method === "OPTIONS") || status === 101) return judged;
  const type = headers.get("content-type") ?? "";
  if (/^text\/html/.test(type)) {
    ok(/^\/(i\/|app$|dev$)/.test(request.surface.pattern));
    if (isDocumented(request, path) && request.method === request.surface.method && status !== 414) {
      ok([...statuses(request.surface), "404"].includes(String(status)));
    }
    return judged;
  }
  if (!type.startsWith("application/json")) {
    ok(status < 400, `${status} as ${type}`);
    return judged;
  }
  const body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer.body));
  if (status >= 400) judgeError(status, headers, body);
  else ok(body.success === true || body.openapi);
  // Any address can be too long, whichever call it belongs to.
  if (isDocumented(request, path) && status !== 414) {
    checker.check(meantMethod(request, path), path, { status, headers, body });
  }
  return judged;
}

function judgeError(status: number, headers: Headers, body: Answer["body"]): void {
  equal(body.success, false);
  equal(body.request_id, headers.get("x-request-id"));
  const code = body.code as keyof typeof STATUS;
  equal(body.message, textOf(code, body.retry_after ? { retryAfter: body.retry_after } : {}));
  equal(status, STATUS[code]);
  if (code === "invalid_input" || code === "invalid_phone_number") ok(body.issues.length > 0);
  equal(headers.get("retry-after") ?? undefined, body.retry_after?.toString());
}

/** Dot segments lead to another address, `get` is not GET, and a bad Host is refused on every route. */
function isDocumented({ method, headers }: FuzzRequest, path: string): boolean {
  return !headers.some(([name]) => name === "host") && !/^[a-z]+$/.test(method) &&
    !/\/(\.|%2e){1,2}(\/|\?|$)/i.test(path);
}

/** X-HTTP-Method-Override replaces the method for uploads. Of a header given twice the last is sent. */
function meantMethod({ method, headers }: FuzzRequest, path: string): string {
  const meant = headers.findLast(([name]) => name === "x-http-method-override")?.[1];
  if (meant === undefined || !path.startsWith("/api/uploads")) return method;
  if (meant === "HEAD" || meant === "OPTIONS") return meant;
  // Other methods, and addresses that have to be decoded first, are not documented.
  const isPlain = /^\/api\/uploads(\/\w+)?(\?|$)/.test(path);
  return isPlain && /^(DELETE|PATCH|POST)$/.test(meant) ? meant : "NONE";
}

Deno.test("no request to any route is answered with 500 or in an undocumented form, whatever is wrong with it", () =>
  withTarget(async (target) => {
    const read = await readTarget(target);
    const odd = new Map<string, number>();
    const seen = new Map<number, number>();
    await fuzz(target, {
      what: "requests",
      share: 0.6,
      inputs: fc.oneof(...read.surfaces.map(requestTo)),
      client: async () => {
        let cast: Cast = await createCast(target.service.url);
        const connections = new Map([target.service, target.twilio].map(({ url }) => [url, openHttp(url)]));
        let last = "";
        return {
          async send(request) {
            const url = read.urlOf(request.surface);
            const { path, bytes } = encode(request, cast, new URL(url).host, target.authToken);
            last = latin1(bytes);
            countOdd(request, odd);
            const connection = connections.get(url)!;
            const answer = await connection.ask(bytes, { isHead: request.method === "HEAD" });
            ok(answer, connection.timedOut ? "It hangs" : "There was no answer");
            const judgement = judge(request, path, answer, read);
            seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
            // Replaces an account that has lost its session.
            if (answer.status === 200 && ENDS_SESSION.test(`${request.method} ${request.surface.pattern}`)) {
              cast = await createCast(target.service.url);
            }
            return judgement;
          },
          spell: () => last,
          close: () => connections.forEach((connection) => connection.close()),
        };
      },
    });
    if (!REACHES_ALL) return;
    // Otherwise everything could have been refused by the first check.
    for (const status of [200, 204, 400, 401, 404, 405, 409, 412, 415]) {
      ok((seen.get(status) ?? 0) >= 5, JSON.stringify([...seen]));
    }
    const fields = read.surfaces.flatMap(({ method, pattern, fields }) =>
      fields.map(({ in: place, name }) => `${method} ${pattern} ${place} ${name}`)
    );
    deepEqual(fields.filter((field) => (odd.get(field) ?? 0) < 3), [], "Fields that were hardly ever odd");
  }));
