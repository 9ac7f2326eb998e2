/**
 * What Deno takes for a send and for a socket when nothing is done: no session, no check, no database, no log. It reads the
 * same requests, answers them with as much and as many headers, and pushes as large a frame. `POST /people` tells it who
 * is behind which token, `POST /collect` to collect its garbage.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

interface Person {
  phone: string;
  token: string;
}

const SHARED_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Content-Type": "application/json",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
/** As the service asks for it. */
const IDLE_SECONDS = 56;

const tokens = new Map<string, string>();
const sockets = new Map<string, WebSocket>();
let lastId = 0;

function listen(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: IDLE_SECONDS });
  const token = request.headers.get("authorization")!;
  socket.onopen = () => {
    sockets.set(token, socket);
    socket.send(JSON.stringify({ event: "connected", timestamp: new Date().toISOString() }));
  };
  socket.onclose = () => sockets.delete(token);
  return response;
}

async function send(request: Request): Promise<Response> {
  const { phone_number, message_type, message, client_id } = await request.json();
  const at = new Date().toISOString();
  const sender = "+14150000001";
  const frame = { event: "messages_updated", sender, timestamp: at };
  sockets.get(tokens.get(phone_number)!)?.send(JSON.stringify(frame));
  const stored = {
    id: lastId += 1,
    sender,
    receiver: phone_number,
    message,
    message_type,
    media_type: null,
    media_content_id: null,
    duration: null,
    status: "created",
    created_at: at,
    client_id,
  };
  const headers = { ...SHARED_HEADERS, "X-Request-Id": crypto.randomUUID() };
  return new Response(JSON.stringify({ success: true, messages: [stored] }), { headers });
}

async function meet(request: Request): Promise<Response> {
  const people: Person[] = await request.json();
  people.forEach(({ phone, token }) => tokens.set(phone, `Bearer ${token}`));
  return new Response("{}", { headers: SHARED_HEADERS });
}

/** As the service does it. */
function collect(): Response {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return new Response("{}", { headers: SHARED_HEADERS });
}

Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) },
  (request) => {
    if (request.headers.has("upgrade")) return listen(request);
    if (request.url.endsWith("/collect")) return collect();
    return request.url.endsWith("/people") ? meet(request) : send(request);
  },
);
