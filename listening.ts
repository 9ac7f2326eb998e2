// Deno's server gives its port up for good when it cannot take one more connection, as where the system has no file left
// for it. Here the port is opened again; the connections that there are go on meanwhile.

/** Between two tries: whoever connects then is taken as soon as there is room. */
const AGAIN_MS = 250;
/** A port that was open for so long is open again. */
const STEADY_MS = 2_000;

export interface Listening {
  readonly port: number;
  /** Takes no connection any more, and resolves when those that there are have ended. */
  shutdown(): Promise<void>;
}

export function keepListening(
  open: (port: number) => Deno.HttpServer<Deno.NetAddr>,
  { port: asked, onLost, onBack }: {
    /** 0 for any that is free: the same again then. */
    port: number;
    /** Once, however often it is lost until it is back. */
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
      // It takes a file itself.
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
