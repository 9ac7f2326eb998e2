// Floors of the service itself: servers on Deno that do next to nothing with a request.

import type { Person } from "./people.ts";
import { keepTrackOf } from "./service.ts";

const FLOORS = new URL("floors/", import.meta.url).pathname;

export interface FloorServer {
  hostname: string;
  port: number;
  pid: number;
  /** Makes it collect its garbage. */
  collect(): Promise<void>;
  stop(): Promise<void>;
}

/** A server that stores nothing (floors/bare_service.ts). It is told who these people are. */
export function startBare(people: Person[]): Promise<FloorServer> {
  const flags = ["--no-lock", "--no-config", "--unstable-no-legacy-abort", "--allow-net"];
  return start([...flags, `${FLOORS}bare_service.ts`], people);
}

/** A server that stores in groups (floors/grouped_service.ts). */
export function startGrouped(people: Person[], databaseUrl: string): Promise<FloorServer> {
  // Permissions that Deno requires for a Unix socket.
  const permissions = ["--allow-net", "--allow-env", "--allow-read", "--allow-write"];
  return start(["--frozen", ...permissions, `${FLOORS}grouped_service.ts`, databaseUrl], people);
}

async function start(args: string[], people: Person[]): Promise<FloorServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  keepTrackOf(child);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const [hostname, port] = ["127.0.0.1", Number(value)];
  if (!port) throw new Error(`The server did not start: ${value}`);
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`http://${hostname}:${port}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`The server answered ${answer.status} at ${path}`);
  };
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  try {
    await post("/people", people);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    hostname,
    port,
    pid: child.pid,
    collect: () => post("/collect", {}),
    stop,
  };
}
