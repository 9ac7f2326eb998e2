// Listening while the process has no files left for connections.

import { keepListening } from "../listening.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { withService } from "./process.ts";
import { signUp } from "./service_client.ts";
import { openSocket } from "./socket.ts";
import { ANN, eventually } from "./support.ts";

const FILES_MAX = 100;

/** Returns those that were accepted, or wait to be. */
async function connectTo(url: string, count: number): Promise<Deno.TcpConn[]> {
  const { hostname, port } = new URL(url);
  const tried = await Promise.allSettled(
    Array.from({ length: count }, () => Deno.connect({ hostname, port: Number(port) })),
  );
  return tried.flatMap((one) => one.status === "fulfilled" ? one.value : []);
}

/** From now on the process may have FILES_MAX files open. */
async function limitFiles(pid: number): Promise<void> {
  const args = [`--pid=${pid}`, `--nofile=${FILES_MAX}:${FILES_MAX}`];
  const { success } = await new Deno.Command("prlimit", { args }).output();
  ok(success, "No limit could be set");
}

Deno.test("a service that had no file left for a connection accepts new ones once there is room, and logs both", () =>
  withService(async (service) => {
    const ann = await signUp(service.url, ANN);
    const socket = await openSocket(`${service.url}/api/notifications?token=${ann.token}`);
    await limitFiles(service.pid);
    const idle = await connectTo(service.url, FILES_MAX + 50);
    await eventually(() => service.output().includes("Cannot accept connections"));
    // As long as there is no room it keeps trying, and logs that once.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    equal(service.output().match(/Cannot accept connections/g)?.length, 1);
    idle.forEach((connection) => connection.close());

    await eventually(async () => equal((await fetch(`${service.url}/readyz`)).status, 200), 10_000);
    await eventually(() => service.output().includes("Accepting connections again"), 10_000);
    equal(socket.raw.readyState, WebSocket.OPEN);
    await socket.end();
    equal(await service.end("SIGTERM"), 0);
  }));

Deno.test("keepListening() opens no port after it was shut down", async () => {
  let opened = 0;
  const lost = Promise.withResolvers<never>();
  const server = {
    addr: { port: 1 },
    finished: lost.promise,
    shutdown: () => Promise.resolve(),
  } as unknown as Deno.HttpServer<Deno.NetAddr>;
  const told: string[] = [];
  const listening = keepListening(() => (opened += 1, server), {
    port: 0,
    onLost: () => told.push("lost"),
    onBack: () => told.push("back"),
  });
  lost.reject(new Error("Too many open files"));
  await eventually(() => told.length === 1);
  await listening.shutdown();
  await new Promise((resolve) => setTimeout(resolve, 500));

  equal(opened, 1);
  equal(told.join(), "lost");
});

Deno.test("keepListening() reopens its port however often it is lost, and reports the loss once until it is back", async () => {
  const lost: PromiseWithResolvers<never>[] = [];
  const ports: number[] = [];
  const told: string[] = [];
  const open = (port: number) => {
    ports.push(port);
    lost.push(Promise.withResolvers<never>());
    return {
      addr: { port: 4_000 },
      finished: lost.at(-1)!.promise,
      shutdown: () => Promise.resolve(),
    } as unknown as Deno.HttpServer<Deno.NetAddr>;
  };
  const listening = keepListening(open, {
    port: 0,
    onLost: () => told.push("lost"),
    onBack: () => told.push("back"),
  });
  for (const opened of [1, 2, 3]) {
    equal(ports.length, opened);
    lost.at(-1)!.reject(new Error("Too many open files"));
    await eventually(() => ports.length === opened + 1);
  }
  await listening.shutdown();

  deepEqual(ports, [0, 4_000, 4_000, 4_000]);
  deepEqual(told, ["lost"]);
});
