// What both floor servers share: sockets, and the least that an answer can be. No session, no check, no
// limit, no log. `POST /people` tells them who is behind which token, and `POST /collect` makes them collect
// garbage.

import { createCollect } from "../../garbage.ts";
import { upgrade } from "../../routes/notifications/upgrade.ts";

export interface Person {
  id: number;
  phone: string;
  token: string;
}

/** What to do with a request before it is answered. */
export interface Keeping {
  /** Returns the id of the text. */
  send(from: Person, to: Person, text: { message: string; client_id: string }): number | Promise<number>;
  change(from: Person, to: Person, isAccepted: boolean): void | Promise<void>;
  /** Is told of all people before the first request. */
  meet(people: Person[]): void | Promise<void>;
}

/** As in the service. */
const SHARED_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Content-Type": "application/json",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
const IDLE_SECONDS = 56;

/** Prints its port and serves until the process ends. */
export function serve(keeping: Keeping): void {
  const byPhone = new Map<string, Person>();
  const byToken = new Map<string, Person>();
  const sockets = new Map<string, WebSocket>();

  async function listen(request: Request): Promise<Response> {
    const { socket, response } = (await upgrade(request, { idleTimeout: IDLE_SECONDS }))!;
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
    const [me, peer] = [byToken.get(request.headers.get("authorization")!)!, byPhone.get(phone_number)!];
    const id = await keeping.send(me, peer, { message, client_id });
    const at = new Date().toISOString();
    tell(peer, { event: "messages_updated", sender: me.phone, timestamp: at });
    const stored = {
      id,
      sender: me.phone,
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
    return answer({ success: true, messages: [stored] });
  }

  async function change(request: Request, isAccepted: boolean): Promise<Response> {
    const { phone_number } = await request.json();
    const [me, peer] = [byToken.get(request.headers.get("authorization")!)!, byPhone.get(phone_number)!];
    await keeping.change(me, peer, isAccepted);
    const at = new Date().toISOString();
    tell(peer, { event: "contacts_updated", timestamp: at });
    const contact = {
      phone_number,
      display_name: "",
      status: isAccepted ? "accepted" : "requesting",
      last_touch_at: at,
      unread_messages: 0,
    };
    return answer({ success: true, contacts: [contact] });
  }

  function tell({ token }: Person, notice: object): void {
    sockets.get(token)?.send(JSON.stringify(notice));
  }

  async function meet(request: Request): Promise<Response> {
    const people = (await request.json() as Person[])
      .map((person) => ({ ...person, token: `Bearer ${person.token}` }));
    for (const person of people) {
      byPhone.set(person.phone, person);
      byToken.set(person.token, person);
    }
    await keeping.meet(people);
    return answer({});
  }

  Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) },
    (request) => {
      if (request.headers.has("upgrade")) return listen(request);
      const path = request.url.slice(request.url.lastIndexOf("/"));
      if (path === "/people") return meet(request);
      if (path === "/collect") return collect();
      return path === "/send" ? send(request) : change(request, path === "/accept");
    },
  );
}

function answer(body: object): Response {
  const headers = { ...SHARED_HEADERS, "X-Request-Id": crypto.randomUUID() };
  return new Response(JSON.stringify(body), { headers });
}

function collect(): Response {
  createCollect()();
  return answer({});
}
