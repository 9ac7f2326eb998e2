// Requests of ours that must not arrive twice.

let client: Deno.HttpClient | null = null;

/**
 * As `fetch`, on a connection of its own: where one that was kept is closed under a request, Deno 2.9.6 makes that request
 * again without a word, also a POST that had arrived.
 */
export function fetchOnce(address: string, init: RequestInit): Promise<Response> {
  client ??= Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  return fetch(address, { ...init, client });
}

/** Whether a request failed before anything of it was sent. */
export function neverLeft(error: unknown): boolean {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return error instanceof TypeError && cause instanceof Error &&
    /client error \(Connect\)/.test(cause.message);
}
