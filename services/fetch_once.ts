// Outgoing requests that must not arrive twice, and whose answers cannot be trusted.

let client: Deno.HttpClient | null = null;

/**
 * Like `fetch`, on a connection of its own: if a kept-alive connection is closed during a request, Deno 2.9.6
 * silently repeats the request, even a POST that has arrived.
 */
export function fetchOnce(address: string, init: RequestInit): Promise<Response> {
  client ??= Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  return fetch(address, { ...init, client });
}

/**
 * The text of an answer; null if it is longer than `bytesMax` after decompression, and then the connection is
 * cut.
 */
export async function readText({ body }: Response, bytesMax: number): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Whether a request failed before any of it was sent. */
export function neverLeft(error: unknown): boolean {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return error instanceof TypeError && cause instanceof Error &&
    /client error \(Connect\)/.test(cause.message);
}
