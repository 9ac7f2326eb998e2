// Controls V8's profiler in a service that runs with --inspect, by the Chrome DevTools Protocol.

/** A CPU profile of V8: a tree of calls, and the node that was running at each sample. */
export interface Inspected {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  /** Microseconds since the previous sample. */
  timeDeltas: number[];
}

const SAMPLE_EVERY_US = 250;

/** Profiles for `ms`, after a delay of `afterMs`. */
export async function inspect(
  port: number,
  { afterMs, ms }: { afterMs: number; ms: number },
): Promise<Inspected> {
  const [target] = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("Cannot open the inspector"));
  });
  let asked = 0;
  const answers = new Map<number, (result: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(data);
    answers.get(id)?.(result);
  };
  const ask = (method: string, params = {}): Promise<unknown> =>
    new Promise((resolve) => {
      answers.set(asked += 1, resolve);
      socket.send(JSON.stringify({ id: asked, method, params }));
    });
  await ask("Profiler.enable");
  await ask("Profiler.setSamplingInterval", { interval: SAMPLE_EVERY_US });
  await pause(afterMs);
  await ask("Profiler.start");
  await pause(ms);
  const { profile } = await ask("Profiler.stop") as { profile: Inspected };
  socket.close();
  return profile;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
