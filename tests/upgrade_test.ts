import { createCollect } from "../garbage.ts";
import { upgrade } from "../routes/notifications/upgrade.ts";
import { deepEqual, equal, rejects } from "./assert.ts";
import { handshake } from "./raw_socket.ts";

const IDLE_SECONDS = 56;
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("upgrade() makes a socket that keeps nothing of its request while it is open", async () => {
  const requests: WeakRef<Request>[] = [];
  const sockets = new Set<WebSocket>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    requests.push(new WeakRef(request));
    const { socket, response } = (await upgrade(request, { idleTimeout: IDLE_SECONDS }))!;
    socket.onopen = () => sockets.add(socket);
    socket.onmessage = ({ data }) => socket.send(`${data} back`);
    return response;
  });
  const client = new WebSocket(`ws://127.0.0.1:${server.addr.port}`);
  const answer = new Promise((resolve) => client.onmessage = ({ data }) => resolve(data));
  client.onopen = () => client.send("there and");
  equal(await answer, "there and back");

  const collect = createCollect();
  // Some references are released only at the end of later turns.
  for (let time = 0; time < 50 && requests[0]!.deref(); time++) {
    await turn();
    collect();
  }
  deepEqual(requests.map((request) => request.deref()), [undefined]);
  deepEqual([...sockets].map(({ readyState }) => readyState), [WebSocket.OPEN]);

  const closed = new Promise((resolve) => client.onclose = resolve);
  client.close();
  await closed;
  await server.shutdown();
});

Deno.test("upgrade() makes no socket for a client that has left", async () => {
  const { promise: left, resolve } = Promise.withResolvers<void>();
  const { promise: upgraded, resolve: answer } = Promise.withResolvers<Deno.WebSocketUpgrade | null>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    await left;
    answer(await upgrade(request, {}));
    return new Response();
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  await conn.write(handshake(url, "/"));
  conn.close();
  setTimeout(resolve, 50);
  equal(await upgraded, null);
  await server.shutdown();
});

Deno.test("upgrade() refuses what Deno refuses, and says why", async () => {
  const request = new Request("http://127.0.0.1/", { headers: { upgrade: "h2c" } });
  await rejects(upgrade(request, {}), /upgrade.*websocket/i);
});
