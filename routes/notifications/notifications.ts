// The WebSocket that tells clients what has changed. Only committed changes are told. A hint may be merged
// with an equal one; it is lost only if the socket is lost. So after `connected` a client fetches everything.

import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../services/errors.ts";
import type { Hub } from "../../services/events/hub.ts";
import type { Notice } from "../../services/events/socket.ts";
import type { HeadCount } from "../../services/limits/head_count.ts";
import type { Deliveries } from "../../services/messages/deliveries.ts";
import type { Sessions } from "../../services/sessions/sessions.ts";
import type { Tickets } from "../../services/sessions/tickets.ts";
import { errorAnswers, SESSION_ERRORS } from "../answers.ts";
import type { ClientAddress } from "../client_address.ts";
import type { AppEnv } from "../env.ts";
import { querySessions, queryTicket, queryToken } from "../fields.ts";
import { createRouter } from "../router.ts";
import { bearerToken } from "../session.ts";
import { type Wire, wireNumber, wireTime } from "../wire.ts";
import { FRAME_BYTES_MAX, FRAMES_A_MINUTE_MAX, NotificationSocket } from "./notification_socket.ts";
import { upgrade } from "./upgrade.ts";

/** The status that nginx logs for a client that has hung up; nobody receives this answer. */
const CLIENT_CLOSED_REQUEST = 499;
/** In seconds. Deno pings after half of this and drops a socket that stayed silent for all of it. */
const IDLE_SECONDS = 56;
/** A guess: nobody can tell when another socket of the same address will close. */
const NO_ROOM_RETRY_SECONDS = 30;

const frames = z.discriminatedUnion("event", [
  z.strictObject({ event: z.literal("connected"), timestamp: wireTime }),
  z.strictObject({ event: z.literal("contacts_updated"), timestamp: wireTime }),
  z.strictObject({ event: z.literal("sessions_updated"), timestamp: wireTime }),
  z.strictObject({
    event: z.literal("messages_updated"),
    sender: wireNumber.openapi({ description: "The other person of the changed conversation" }),
    timestamp: wireTime,
  }),
]);

/** Makes a notice without a documented frame a compile error below. */
type Documented = Extract<Notice, Pick<z.infer<typeof frames>, "event">>;

const route = createRoute({
  method: "get",
  path: "/api/notifications",
  tags: ["Notifications"],
  summary: "Get notified of changes (WebSocket)",
  description:
    "Pass a ticket in `?ticket=`, which then takes precedence, or a token in the Authorization header, the offer " +
    "`Sec-WebSocket-Protocol: bearer, <token>`, or `?token=`. Frames are hints to fetch again: the first one is `connected`, and a fetch " +
    "after it sees everything that was committed before. `sessions_updated` is sent only with `?sessions=true`: another session of mine began or ended. Close codes: 1001 the service shuts down, or a ping was not answered, 1008 more than " +
    `${FRAMES_A_MINUTE_MAX} frames a minute or one over ${FRAME_BYTES_MAX} bytes, 1013 too much unread, 4001 the session ` +
    "has ended, 4002 displaced by newer sockets (do not reconnect).",
  security: [{ bearer: [] }, { ticket: [] }, { queryToken: [] }],
  request: { query: z.object({ ticket: queryTicket, token: queryToken, sessions: querySessions }) },
  responses: {
    101: { description: "The socket is open; it carries text frames, each a `Notification` as JSON" },
    ...errorAnswers([...SESSION_ERRORS, "upgrade_required"]),
  },
});

export function notificationRoutes(
  { sessions, tickets, hub, deliveries, socketsByAddress, stuckSockets, now }: {
    sessions: Sessions;
    tickets: Tickets;
    hub: Hub;
    deliveries: Deliveries;
    socketsByAddress: HeadCount;
    /** Stuck sockets by their user's id. */
    stuckSockets: HeadCount;
    now: () => Date;
  },
  wire: Wire,
  address: ClientAddress,
) {
  const router = createRouter<AppEnv>();
  router.openAPIRegistry.register("Notification", frames);
  const around = {
    hub,
    deliveries,
    stuckSockets,
    toFrame: onceEach((notice: Documented) => wire.notice(notice, now())),
    hearSessions: false,
  };
  const aroundWithSessions = { ...around, hearSessions: true };
  return router.openapi(route, async (c) => {
    const offer = protocolToken(c.req.header("sec-websocket-protocol"));
    const token = bearerToken(c.req.header("authorization")) ?? offer ?? c.req.query("token") ?? null;
    const ticket = c.req.query("ticket");
    let actor = await (ticket === undefined ? sessions.authenticate(token) : tickets.find(ticket));
    const goOut = socketsByAddress.enter(address(c));
    if (goOut === null) throw noRoom();
    try {
      // A user whose stuck sockets take all places gets no more.
      if (stuckSockets.isFull(String(actor.user_id))) throw noRoom();
      if (!isUpgrade(c.req.raw)) throw new AppError("upgrade_required");
      // Redeemed last, so that a request that was refused for another reason, or was no upgrade, does not use
      // up the ticket.
      if (ticket !== undefined) actor = await tickets.redeem(ticket);
      const upgraded = await upgrade(c.req.raw, { idleTimeout: IDLE_SECONDS });
      if (upgraded === null) {
        goOut();
        return new Response(null, { status: CLIENT_CLOSED_REQUEST });
      }
      const { socket, response } = upgraded;
      // Set by hand: Deno finds a protocol only in a list with spaces after its commas, and Node's clients
      // send none.
      if (offer !== null) response.headers.set("Sec-WebSocket-Protocol", "bearer");
      const hears = c.req.query("sessions") === "true" ? aroundWithSessions : around;
      new NotificationSocket(socket, actor, goOut, hears);
      return response;
    } catch (error) {
      goOut();
      throw error;
    }
  });
}

function noRoom(): AppError {
  return new AppError("rate_limited", { retryAfter: NO_ROOM_RETRY_SECONDS });
}

/** Serializes a notice once for all sockets of a user: they are told one after the other. */
function onceEach(toFrame: (notice: Notice) => string): (notice: Notice) => string {
  let last: Notice | null = null;
  let frame = "";
  return (notice) => {
    if (notice !== last) [last, frame] = [notice, toFrame(notice)];
    return frame;
  };
}

/** The token of the offer `bearer, <token>`; null for any other header. */
function protocolToken(header: string | undefined): string | null {
  const [scheme, token] = (header ?? "").split(",").map((part) => part.trim());
  return scheme === "bearer" && token ? token : null;
}

/** The least that a client's handshake must have (RFC 6455, section 4.2.1). */
function isUpgrade({ method, headers }: Request): boolean {
  const connection = (headers.get("connection") ?? "").toLowerCase().split(",").map((part) => part.trim());
  return method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket" &&
    connection.includes("upgrade") &&
    headers.get("sec-websocket-version") === "13" &&
    /^[\w+/]{22}==$/.test(headers.get("sec-websocket-key") ?? "");
}
