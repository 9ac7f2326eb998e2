/** The request that is being upgraded. */
let current: Request | null = null;

/**
 * Stands in for that request. Deno 2.9 keeps what it is given for as long as the socket is open. A real
 * request with its URL, headers and signal would be 2.7 kB for each idle phone, but Deno reads it only during
 * the call.
 */
const lent = new Proxy({} as Request, { get: (_, key) => current && Reflect.get(current, key) });

/**
 * As `Deno.upgradeWebSocket`, without keeping the request in memory. Null if the client has already hung up:
 * its socket would never open or close, and Deno 2.9 would keep its connection.
 */
export async function upgrade(
  request: Request,
  options: Deno.UpgradeWebSocketOptions,
): Promise<Deno.WebSocketUpgrade | null> {
  const { signal } = request;
  // The signal of a client that hung up before this call aborts one turn later.
  await null;
  if (signal.aborted) return null;
  current = request;
  try {
    return Deno.upgradeWebSocket(lent, options);
  } finally {
    current = null;
  }
}
