/** The request whose socket is being made. */
let current: Request | null = null;

/**
 * Stands for that request. Deno 2.9 keeps what it was given for as long as the socket is open, a request with its URL,
 * headers and signal, 2.7 kB for each phone that waits; it is asked for them only within the call.
 */
const lent = new Proxy({} as Request, { get: (_, key) => current && Reflect.get(current, key) });

/**
 * As `Deno.upgradeWebSocket`, and nothing of the request is kept. Null where the client has left meanwhile: its socket would
 * never open nor close, and Deno 2.9 would keep its connection.
 */
export async function upgrade(
  request: Request,
  options: Deno.UpgradeWebSocketOptions,
): Promise<Deno.WebSocketUpgrade | null> {
  const { signal } = request;
  // Who left before it is asked for is known a turn later.
  await null;
  if (signal.aborted) return null;
  current = request;
  try {
    return Deno.upgradeWebSocket(lent, options);
  } finally {
    current = null;
  }
}
