// Requests of ours that must not arrive twice, and whose answers may be anything.

let client: Deno.HttpClient | null = null;

/**
 * As `fetch`, on a connection of its own: where one that was kept is closed under a request, Deno 2.9.6 makes that request
 * again without a word, also a POST that had arrived.
 */
export function fetchOnce(address: string, init: RequestInit): Promise<Response> {
  client ??= Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  return fetch(address, { ...init, client });
}

/** The text of an answer; null where it is longer, also once it is unpacked, and then the connection is cut. */
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

/** Whether a request failed before anything of it was sent. */
export function neverLeft(error: unknown): boolean {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return error instanceof TypeError && cause instanceof Error &&
    /client error \(Connect\)/.test(cause.message);
}
