// Calls of the API, typed by the OpenAPI document.

import type { components, paths } from "../api.ts";

type Method = "get" | "post" | "put" | "delete";
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type PathsWith<M extends Method> = {
  [P in keyof paths]: undefined extends paths[P][M] ? never : P;
}[keyof paths];

/** The body of a success. */
type Answer<Op> = Op extends { responses: { 200: { content: { "application/json": infer Body } } } } ? Body
  : never;
type Ask<Op> =
  & (Op extends { requestBody: { content: { "application/json": infer Body } } } ? { json: Body }
    : { json?: never })
  & (Op extends { parameters: { path: infer Path extends object } } ? { path: Path } : { path?: never })
  & (Op extends { parameters: { query?: infer Query } } ? { query?: NonNullable<Query> } : { query?: never });

/** The body of an error. All fields are optional, because a proxy may have answered instead. */
export type ErrorBody = Partial<components["schemas"]["ErrorBody"]>;
/** Error codes of the service, `offline` if it cannot be reached, and codes of errors in this browser. */
type ErrorCode =
  | components["schemas"]["ErrorBody"]["code"]
  | "offline"
  | "cancelled"
  | "microphone"
  | "unplayable"
  | "unreadable";

export class ApiError extends Error {
  // Declared only: initialized class fields are too new for some phones.
  declare readonly code: ErrorCode;
  declare readonly status: number;
  /** Seconds after which a retry makes sense; null if unknown. */
  declare readonly retryAfter: number | null;
  /** Paths of the fields that were invalid. */
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

/** Errors after which the same call may succeed later. */
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

/** How long to wait for the head of an answer. */
const PATIENCE_MS = 20_000;
/** How long to wait for its body: a long list takes time on a slow network. */
const REST_MS = 120_000;

/**
 * @param person returns the signed-in user: an answer for somebody who has left since becomes `cancelled`
 * @param onRefused is called when the service no longer accepts the token
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
      throw new ApiError("cancelled", "The user who asked is not signed in any more", status);
    }
    if (ok && body?.success) return body;
    const refusal = refusalOf(status, body);
    // The token may have been replaced during the call.
    if (refusal.code === "unauthenticated" && used !== null && used === token()) onRefused();
    throw refusal;
  };
}

/** Fetches an answer with its whole body. @throws ApiError offline */
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

/** Null if it is not JSON. */
export function bodyOf(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The error that an answer describes; judged by its status alone if a proxy answered instead. */
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
