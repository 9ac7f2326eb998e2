// Calls of the API, typed by its own document.

import type { components, paths } from "../api.ts";

type Method = "get" | "post" | "put" | "delete";
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type PathsWith<M extends Method> = {
  [P in keyof paths]: undefined extends paths[P][M] ? never : P;
}[keyof paths];

/** The body of the success. */
type Answer<Op> = Op extends { responses: { 200: { content: { "application/json": infer Body } } } } ? Body
  : never;
type Ask<Op> =
  & (Op extends { requestBody: { content: { "application/json": infer Body } } } ? { json: Body }
    : { json?: never })
  & (Op extends { parameters: { path: infer Path extends object } } ? { path: Path } : { path?: never })
  & (Op extends { parameters: { query?: infer Query } } ? { query?: NonNullable<Query> } : { query?: never });

/** As an error says it, unless something on the way answered instead. */
export type ErrorBody = Partial<components["schemas"]["ErrorBody"]>;
/** What the service refuses with; `offline` where it could not be asked at all, and what is only known here. */
type ErrorCode =
  | components["schemas"]["ErrorBody"]["code"]
  | "offline"
  | "cancelled"
  | "microphone"
  | "unplayable"
  | "unreadable";

export class ApiError extends Error {
  // Declared and not more: fields of a class are too new for some phones.
  declare readonly code: ErrorCode;
  declare readonly status: number;
  /** Seconds after which trying again makes sense. */
  declare readonly retryAfter: number | null;
  /** What of the request was wrong, by its paths. */
  declare readonly paths: string[];

  constructor(
    code: ErrorCode,
    message: string,
    status = 0,
    { retryAfter = null, paths = [] }: { retryAfter?: number | null; paths?: string[] } = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
    this.paths = paths;
  }
}

/** After these the same call may well be answered later. */
export const PASSING: readonly ErrorCode[] = [
  "offline",
  "unavailable",
  "unexpected",
  "rate_limited",
  "unauthenticated",
  "upload_conflict",
  "upload_stalled",
];

export type Http = ReturnType<typeof createHttp>;

/** An answer that has not begun by then does not come. */
const PATIENCE_MS = 20_000;
/** Nor does the rest of one that has begun; on a slow network a long list takes its time. */
const REST_MS = 120_000;

/**
 * @param person who is signed in: what comes for somebody who has left since is `cancelled`
 * @param onRefused is told when the service does not take the token any more
 */
export function createHttp({ origin, token, person, onRefused }: {
  origin: string;
  token: () => string | null;
  person: () => string | undefined;
  onRefused: () => void;
}) {
  return async function call<M extends Method, P extends PathsWith<M>>(
    method: M,
    path: P,
    ...[ask]: Record<never, never> extends Ask<Operation<P, M>> ? [ask?: Ask<Operation<P, M>>]
      : [ask: Ask<Operation<P, M>>]
  ): Promise<Answer<Operation<P, M>>> {
    const { json, path: places, query } = (ask ?? {}) as {
      json?: unknown;
      path?: Record<string, unknown>;
      query?: Record<string, unknown>;
    };
    const used = token();
    const asker = person();
    const { status, ok, body } = await reach(addressOf(origin, path as string, places, query), {
      method: method.toUpperCase(),
      headers: {
        ...(json === undefined ? {} : { "Content-Type": "application/json" }),
        ...(used === null ? {} : { Authorization: `Bearer ${used}` }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      cache: "no-store",
    });
    if (person() !== asker) {
      throw new ApiError("cancelled", "Whoever asked is not signed in any more", status);
    }
    if (ok && body?.success) return body;
    const refusal = refusalOf(status, body);
    // Another token may have taken its place while this one was asked about.
    if (refusal.code === "unauthenticated" && used !== null && used === token()) onRefused();
    throw refusal;
  };
}

/** An answer with all of its body. */
async function reach(address: string, init: RequestInit) {
  const giving = new AbortController();
  const giveUp = () => giving.abort();
  let timer = setTimeout(giveUp, PATIENCE_MS);
  try {
    const response = await fetch(address, { ...init, signal: giving.signal });
    clearTimeout(timer);
    timer = setTimeout(giveUp, REST_MS);
    const { status, ok } = response;
    return { status, ok, body: bodyOf(await response.text()) };
  } catch {
    throw new ApiError("offline", "The service cannot be reached");
  } finally {
    clearTimeout(timer);
  }
}

/** Null where it is no JSON. */
export function bodyOf(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** An error as the service describes it, or its status alone where something in between answered. */
export function refusalOf(status: number, body: ErrorBody | null): ApiError {
  const code = body?.code ?? (status === 413 ? "too_large" : status >= 500 ? "unavailable" : "unexpected");
  return new ApiError(code, body?.message ?? `Status ${status}`, status, {
    retryAfter: body?.retry_after ?? null,
    paths: (body?.issues ?? []).map(({ path }) => path),
  });
}

function addressOf(
  origin: string,
  pattern: string,
  places: Record<string, unknown> = {},
  query: Record<string, unknown> = {},
): string {
  const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(places[name])));
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `${origin}${path}${given.length > 0 ? `?${search}` : ""}`;
}
