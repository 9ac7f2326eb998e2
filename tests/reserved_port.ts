// Ports on which a test listens, stops listening, and listens again.

/** Below the range from which the system picks ports for others: 32768 to 60999 by default on Linux. */
const [LEAST, COUNT] = [20_000, 12_000];

/** A free port of the loopback that no other program is given while nobody listens on it. */
export function reservedPort(): number {
  while (true) {
    const port = LEAST + Math.floor(Math.random() * COUNT);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
