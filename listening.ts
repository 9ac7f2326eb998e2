// Deno's server closes its port for good when it cannot accept a connection, for example when no file descriptor is left.
// This opens the port again; existing connections continue meanwhile.

/** The time between two attempts, so that clients are accepted as soon as there is room. */
const AGAIN_MS = 250;
/** A port that has stayed open this long counts as back. */
const STEADY_MS = 2_000;

export interface Listening {
  readonly port: number;
  /** Stops accepting connections, and resolves when the existing ones have ended. */
  shutdown(): Promise<void>;
}

export function keepListening(
  open: (port: number) => Deno.HttpServer<Deno.NetAddr>,
  { port: asked, onLost, onBack }: {
    /** 0 for any free port, which is then kept. */
    port: number;
    /** Called once, however often the port is lost until it is back. */
    onLost: (error: unknown) => void;
    onBack: () => void;
  },
): Listening {
  let server = open(asked);
  const { port } = server.addr;
  let isLost = false;
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function watch(): void {
    server.finished.catch((error) => {
      if (!isLost) onLost(error);
      isLost = true;
      clearTimeout(timer);
      timer = setTimeout(openAgain, AGAIN_MS);
    });
  }

  function openAgain(): void {
    if (isStopped) return;
    try {
      server = open(port);
    } catch {
      // Listening needs a file descriptor too.
      timer = setTimeout(openAgain, AGAIN_MS);
      return;
    }
    watch();
    timer = setTimeout(() => {
      isLost = false;
      onBack();
    }, STEADY_MS);
  }

  watch();
  return {
    port,
    async shutdown() {
      isStopped = true;
      clearTimeout(timer);
      await server.shutdown();
    },
  };
}
