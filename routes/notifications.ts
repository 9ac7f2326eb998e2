// The WebSocket on which clients are told that something changed. Told is only what is committed; a hint may be
// merged with an equal one and is lost only with the socket, after which `connected` means: fetch everything.

import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../services/errors.ts";
import { CLOSE, type Hub, type Notice, type Socket } from "../services/events/hub.ts";
import { describeError, log } from "../services/log.ts";
import type { Marks } from "../services/marks.ts";
import type { Actor, Sessions } from "../services/sessions.ts";
import type { HeadCount } from "../services/limits/head_count.ts";
import type { Tickets } from "../services/tickets.ts";
import { errorAnswers, SESSION_ERRORS } from "./answers.ts";
import type { ClientAddress } from "./client_address.ts";
import type { AppEnv } from "./env.ts";
import { queryTicket, queryToken } from "./fields.ts";
import { createRouter } from "./router.ts";
import { bearerToken } from "./session.ts";
import { terminate } from "./terminate.ts";
import { type Wire, wireNumber, wireTime } from "./wire.ts";

/** Deno pings at half of this, in seconds, and gives a silent socket up after all of it. */
const IDLE_SECONDS = 56;
/** What a client may send although nothing is expected of it. */
const FRAME_BYTES_MAX = 4096;
const FRAMES_A_MINUTE_MAX = 60;
const MINUTE_MS = 60_000;
const GOODBYE_MS_MAX = 5_000;
const OPENING_MS_MAX = 10_000;
/** Nobody knows when another socket of an address ends. */
const NO_ROOM_RETRY_SECONDS = 30;

const frames = z.discriminatedUnion("event", [
  z.strictObject({ event: z.literal("connected"), timestamp: wireTime }),
  z.strictObject({ event: z.literal("contacts_updated"), timestamp: wireTime }),
  z.strictObject({ event: z.literal("sessions_updated"), timestamp: wireTime }),
  z.strictObject({
    event: z.literal("messages_updated"),
    sender: wireNumber.openapi({ description: "The other party of the changed thread" }),
    timestamp: wireTime,
  }),
]);

const route = createRoute({
  method: "get",
  path: "/api/notifications",
  tags: ["Notifications"],
  summary: "Be told of changes (WebSocket)",
  description:
    "A ticket goes into `?ticket=`, and then counts alone; a token into the Authorization header, the offer " +
    "`Sec-WebSocket-Protocol: bearer, <token>`, or `?token=`. Frames are hints to fetch again: the first is `connected`, and a fetch " +
    "after it sees everything that was committed before. `sessions_updated`: another session of mine began or ended. Close codes: 1001 the service shuts down, 1008 more than " +
    `${FRAMES_A_MINUTE_MAX} frames a minute or one over ${FRAME_BYTES_MAX} bytes, 1013 too much unread, 4001 the session ` +
    "has ended, 4002 displaced by newer sockets (do not reconnect).",
  security: [{ bearer: [] }, { ticket: [] }, { queryToken: [] }],
  request: { query: z.object({ ticket: queryTicket, token: queryToken }) },
  responses: {
    101: { description: "The socket is open; it carries text frames, each a `Notification` as JSON" },
    ...errorAnswers([...SESSION_ERRORS, "upgrade_required"]),
  },
});

export function notificationRoutes(
  { sessions, tickets, hub, marks, socketsByAddress, now }: {
    sessions: Sessions;
    tickets: Tickets;
    hub: Hub;
    marks: Marks;
    socketsByAddress: HeadCount;
    now: () => Date;
  },
  wire: Wire,
  address: ClientAddress,
) {
  const router = createRouter<AppEnv>();
  router.openAPIRegistry.register("Notification", frames);
  const toFrame = onceEach((notice: Notice) => wire.notice(notice, now()));
  return router.openapi(route, async (c) => {
    const offer = protocolToken(c.req.header("sec-websocket-protocol"));
    const token = bearerToken(c.req.header("authorization")) ?? offer ?? c.req.query("token") ?? null;
    const ticket = c.req.query("ticket");
    let actor = await (ticket === undefined ? sessions.authenticate(token) : tickets.find(ticket));
    const goOut = socketsByAddress.enter(address(c));
    if (goOut === null) throw new AppError("rate_limited", { retryAfter: NO_ROOM_RETRY_SECONDS });
    try {
      if (!isUpgrade(c.req.raw)) throw new AppError("upgrade_required");
      // Only now: who is refused for anything else, or just looks, may come again with the same ticket.
      if (ticket !== undefined) actor = await tickets.redeem(ticket);
      const { socket, response } = Deno.upgradeWebSocket(c.req.raw, {
        idleTimeout: IDLE_SECONDS,
        ...(offer === null ? {} : { protocol: "bearer" }),
      });
      attend(socket, actor, { hub, marks, goOut, toFrame });
      return response;
    } catch (error) {
      goOut();
      throw error;
    }
  });
}

/** Ties a WebSocket to the hub for as long as it is open. Closing comes twice at times, and is welcome to. */
function attend(
  socket: WebSocket,
  actor: Actor,
  { hub, marks, goOut, toFrame }: {
    hub: Hub;
    marks: Marks;
    /** Called when the socket is gone. */
    goOut: () => void;
    toFrame: (notice: Notice) => string;
  },
): void {
  const isTooMuch = frameGuard();
  let leave: ReturnType<Hub["join"]> = () => {};
  // A client that is gone before our answer leaves a socket that never opens, nor ever says that it is closed.
  const opening = setTimeout(goOut, OPENING_MS_MAX);
  socket.onopen = () => {
    clearTimeout(opening);
    leave = hub.join(toHubSocket(socket, actor, toFrame));
    marks.deliverWaiting(actor).catch((error) =>
      log.warn("Waiting messages not marked", describeError(error))
    );
  };
  socket.onmessage = ({ data }) => {
    if (!isTooMuch(data)) return;
    leave(true);
    close(socket, CLOSE.flood, "Too much sent");
  };
  const gone = (wasClean: boolean) => {
    leave(wasClean);
    goOut();
  };
  socket.onclose = ({ wasClean }) => gone(wasClean);
  socket.onerror = () => gone(false);
}

function toHubSocket(socket: WebSocket, actor: Actor, toFrame: (notice: Notice) => string): Socket {
  return {
    actor,
    isBusy: () => socket.bufferedAmount > 0,
    // On a socket that is closing both throw; by then the change is committed, and the client will fetch it.
    write: (notice) => {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(toFrame(notice));
      return true;
    },
    close: (code, reason) => close(socket, code, reason),
  };
}

/** A notice goes to all sockets of a user one after the other: it is written out for the first of them. */
function onceEach(toFrame: (notice: Notice) => string): (notice: Notice) => string {
  let last: Notice | null = null;
  let frame = "";
  return (notice) => {
    if (notice !== last) [last, frame] = [notice, toFrame(notice)];
    return frame;
  };
}

/** Says goodbye, and does not wait long for the answer. */
function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState > WebSocket.OPEN) return;
  const timer = setTimeout(() => terminate(socket), GOODBYE_MS_MAX);
  socket.addEventListener("close", () => clearTimeout(timer));
  socket.close(code, reason);
}

/** Says whether a frame is one too many, or too large. */
function frameGuard(): (data: unknown) => boolean {
  let minuteEndsAt = 0;
  let frames = 0;
  return (data) => {
    const at = performance.now();
    if (at >= minuteEndsAt) [minuteEndsAt, frames] = [at + MINUTE_MS, 0];
    frames += 1;
    return frames > FRAMES_A_MINUTE_MAX || byteLength(data) > FRAME_BYTES_MAX;
  };
}

function byteLength(data: unknown): number {
  if (typeof data === "string") return new TextEncoder().encode(data).length;
  return data instanceof Blob ? data.size : data instanceof ArrayBuffer ? data.byteLength : 0;
}

/** The token of the offer `bearer, <token>`; null for any other. */
function protocolToken(header: string | undefined): string | null {
  const [scheme, token] = (header ?? "").split(",").map((part) => part.trim());
  return scheme === "bearer" && token ? token : null;
}

/** What a client's handshake has at least (RFC 6455, section 4.2.1). */
function isUpgrade({ method, headers }: Request): boolean {
  const connection = (headers.get("connection") ?? "").toLowerCase().split(",").map((part) => part.trim());
  return method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket" &&
    connection.includes("upgrade") &&
    headers.get("sec-websocket-version") === "13" &&
    /^[\w+/]{22}==$/.test(headers.get("sec-websocket-key") ?? "");
}
