// The floor below the service itself: a server of Deno that does nothing with what it is asked (floors/bare_service.ts).

import type { Person } from "./people.ts";

const SERVICE = new URL("floors/bare_service.ts", import.meta.url).pathname;

export interface Bare {
  hostname: string;
  port: number;
  pid: number;
  /** Collects its garbage. */
  collect(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it, and tells it who these people are. */
export async function startBare(people: Person[]): Promise<Bare> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--no-config", "--allow-net", SERVICE],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const [hostname, port] = ["127.0.0.1", Number(value)];
  if (!port) throw new Error(`The bare server did not start: ${value}`);
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`http://${hostname}:${port}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    await answer.body?.cancel();
  };
  await post("/people", people.map(({ phone, token }) => ({ phone, token })));
  return {
    hostname,
    port,
    pid: child.pid,
    collect: () => post("/collect", {}),
    async stop() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}
