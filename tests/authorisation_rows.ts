// The matrix of authorisation: a row for every route. A new route needs a row here: what it needs, and which
// things of somebody's it can name.

import {
  type Call,
  friendOf,
  isFriend,
  type Kind,
  type Name,
  type Scene,
  type Thing,
} from "./authorisation_scene.ts";
import { BYTES, metadata, TUS } from "./tus_calls.ts";
import { MULTIPART, multipart, wav } from "./upload_calls.ts";

/** A thing that a route can refer to. */
export interface Named {
  kind: Kind;
  ask: (value: string | number, me: Name, scene: Scene) => Call;
  /** Who may see it. For everybody else it does not exist. */
  may: (me: Name, thing: Thing) => boolean;
  /** The status for everybody else, if it is not 404. */
  status?: number;
}

export interface Row {
  needs: "nothing" | "session";
  /** A call that refers to nothing of anybody's, or only to what everybody may refer to. */
  ask: (me: Name, scene: Scene) => Call;
  names?: Named[];
}

const isOwner = (me: Name, { owner }: Thing) => owner === me;
const isReader = (me: Name, { owner, others }: Thing) => owner === me || others.includes(me);
/** Calls about oneself are tested elsewhere. */
const isMineOrFriends = (me: Name, { owner }: Thing) => owner === me || isFriend(me, owner);

const byNumber = (path: string, more: Record<string, unknown> = {}): Named => ({
  kind: "number",
  ask: (phone_number) => ({ path, json: { phone_number, ...more } }),
  may: isMineOrFriends,
});

const mediaBy = (pathOf: (id: string | number) => string): Named[] => [
  { kind: "media", ask: (id) => ({ path: pathOf(id) }), may: isReader },
  { kind: "upload", ask: (id) => ({ path: pathOf(id) }), may: isOwner },
  // With a signature the token is ignored, and only the signature of these media is valid.
  {
    kind: "media",
    ask: (id) => ({
      path: `${pathOf(id)}${pathOf(id).includes("?") ? "&" : "?"}expires=99999999999&signature=x`,
    }),
    may: () => false,
  },
];

const uploadBy = (headers: Record<string, string>, raw?: string): Named[] =>
  (["media", "upload"] as const).map((kind) => ({
    kind,
    ask: (id) => ({ path: `/api/uploads/${id}`, headers, ...(raw === undefined ? {} : { raw }) }),
    may: isOwner,
  }));

const message = (text: Record<string, unknown>) => ({ message_type: "text", message: "x", ...text });

const free = (path: string, more: Omit<Call, "path"> = {}): Row => ({
  needs: "nothing",
  ask: () => ({ path, ...more }),
});
const own = (path: string, more: Omit<Call, "path"> = {}): Row => ({
  needs: "session",
  ask: () => ({ path, ...more }),
});
/**
 * A row of a call that refers to something; `ask` makes it of something that is the caller's own or
 * everybody's.
 */
const of = (ask: Row["ask"], ...names: Named[]): Row => ({ needs: "session", ask, names });

const firstOf = (kind: Kind, me: Name, { things }: Scene) =>
  things[kind].find((thing) => thing.owner === me)!.value;
const numberOf = (name: Name, { people }: Scene) => people[name].phone;
const friendsNumber = (me: Name, scene: Scene) => numberOf(friendOf(me), scene);

export const ROWS: Record<string, Row> = {
  "GET /": free("/"),
  "GET /healthz": free("/healthz"),
  "GET /dev": free("/dev"),
  "GET /app": free("/app"),
  "GET /app/{file}": free("/app/mark.svg"),
  "GET /readyz": free("/readyz"),
  "GET /openapi.json": free("/openapi.json"),
  "GET /.well-known/assetlinks.json": free("/.well-known/assetlinks.json"),
  "GET /.well-known/apple-app-site-association": free("/.well-known/apple-app-site-association"),
  "GET /dev/sms": free("/dev/sms?to=%2B14155550177"),
  // Anybody with the link may; what the page shows is tested elsewhere.
  "GET /i/{token}": free("/i/AAAAAAAAAAAAAAAAAAAAAA"),
  "POST /i/{token}": free("/i/AAAAAAAAAAAAAAAAAAAAAA"),
  // Trusted by their signature.
  "POST /api/twilio/status": free("/api/twilio/status"),
  "POST /api/twilio/inbound": free("/api/twilio/inbound"),

  "POST /api/auth/signup": free("/api/auth/signup", { json: {} }),
  "POST /api/auth/signin": free("/api/auth/signin", { json: {} }),
  "POST /api/auth/complete-signup": free("/api/auth/complete-signup", { json: {} }),
  "POST /api/auth/complete-signin": free("/api/auth/complete-signin", { json: {} }),
  "POST /api/auth/renew": own("/api/auth/renew"),
  "POST /api/auth/signout": own("/api/auth/signout"),
  // With somebody else's number, because a valid call would end the caller's account.
  "POST /api/auth/delete-account": own("/api/auth/delete-account", {
    json: { phone_number: "+14155550199" },
  }),
  "GET /api/auth/sessions": own("/api/auth/sessions"),
  "DELETE /api/auth/sessions/{id}": of(
    (me, scene) => ({ path: `/api/auth/sessions/${firstOf("session", me, scene)}` }),
    { kind: "session", ask: (id) => ({ path: `/api/auth/sessions/${id}` }), may: isOwner },
  ),

  "GET /api/contacts": own("/api/contacts"),
  "GET /api/contacts/{phone_number}": of(
    (me, scene) => ({ path: `/api/contacts/${friendsNumber(me, scene)}` }),
    {
      kind: "number",
      ask: (number) => ({ path: `/api/contacts/${number}` }),
      may: isMineOrFriends,
      status: 200,
    },
  ),
  // Anybody may be asked; another test proves that strangers and unregistered numbers look alike then.
  "PUT /api/contacts/request": of((me, scene) => ({
    path: "/api/contacts/request",
    json: { phone_number: numberOf(me, scene) },
  })),
  "POST /api/contacts/request": of((me, scene) => ({
    path: "/api/contacts/request",
    json: { phone_number: numberOf(me, scene) },
  })),
  "PUT /api/contacts/accept": of(
    (me, scene) => ({ path: "/api/contacts/accept", json: { phone_number: friendsNumber(me, scene) } }),
    byNumber("/api/contacts/accept"),
  ),
  "PUT /api/contacts/delete": of(
    (me, scene) => ({ path: "/api/contacts/delete", json: { phone_number: numberOf(me, scene) } }),
    byNumber("/api/contacts/delete"),
  ),
  "PUT /api/contacts/update": of(
    (me, scene) => ({
      path: "/api/contacts/update",
      json: { phone_number: friendsNumber(me, scene), display_name: "x" },
    }),
    byNumber("/api/contacts/update", { display_name: "x" }),
  ),
  "GET /api/invites": own("/api/invites"),

  "GET /api/messages/{phone_number}": of(
    (me, scene) => ({ path: `/api/messages/${friendsNumber(me, scene)}` }),
    { kind: "number", ask: (number) => ({ path: `/api/messages/${number}` }), may: isMineOrFriends },
  ),
  "POST /api/messages/send": of(
    (me, scene) => ({
      path: "/api/messages/send",
      json: message({ phone_number: friendsNumber(me, scene), client_id: "again" }),
    }),
    byNumber("/api/messages/send", message({})),
    ...(["media", "upload"] as const).map((kind): Named => ({
      kind,
      ask: (media_content_id, me, scene) => ({
        path: "/api/messages/send",
        json: { phone_number: friendsNumber(me, scene), message_type: "audio", media_content_id },
      }),
      may: kind === "media" ? isReader : isOwner,
      status: 400,
    })),
  ),
  "PUT /api/messages/read": of(
    (me, scene) => ({ path: "/api/messages/read", json: { message_id: firstOf("message", me, scene) } }),
    {
      kind: "message",
      ask: (message_id) => ({ path: "/api/messages/read", json: { message_id } }),
      may: isOwner,
    },
  ),
  "PUT /api/messages/read_all_text": of(
    (me, scene) => ({
      path: "/api/messages/read_all_text",
      json: { phone_number: friendsNumber(me, scene) },
    }),
    byNumber("/api/messages/read_all_text"),
  ),
  "PUT /api/messages/read_up_to": of(
    (me, scene) => ({
      path: "/api/messages/read_up_to",
      json: { phone_number: friendsNumber(me, scene), message_id: firstOf("message", me, scene) },
    }),
    byNumber("/api/messages/read_up_to", { message_id: 1 }),
    {
      kind: "message",
      ask: (message_id, me, scene) => ({
        path: "/api/messages/read_up_to",
        json: { phone_number: friendsNumber(me, scene), message_id },
      }),
      may: isOwner,
    },
  ),

  "POST /api/messages/upload_media": own("/api/messages/upload_media?media_type=audio", {
    raw: multipart({ bytes: wav(100) }),
    headers: MULTIPART,
  }),
  "GET /api/messages/media": of(
    (me, scene) => ({ path: `/api/messages/media?media_content_id=${firstOf("media", me, scene)}` }),
    ...mediaBy((id) => `/api/messages/media?media_content_id=${id}`),
  ),
  "GET /api/messages/media/{id}": of(
    (me, scene) => ({ path: `/api/messages/media/${firstOf("media", me, scene)}` }),
    ...mediaBy((id) => `/api/messages/media/${id}`),
  ),
  "GET /api/messages/media/{id}/url": of(
    (me, scene) => ({ path: `/api/messages/media/${firstOf("media", me, scene)}/url` }),
    ...mediaBy((id) => `/api/messages/media/${id}/url`).slice(0, 2),
  ),
  "OPTIONS /api/uploads": free("/api/uploads"),
  "OPTIONS /api/uploads/{id}": free("/api/uploads/4711"),
  "POST /api/uploads": own("/api/uploads", {
    headers: { ...TUS, "upload-length": "10", "upload-metadata": metadata({ media_type: "audio" }) },
  }),
  "HEAD /api/uploads/{id}": of(
    (me, scene) => ({ path: `/api/uploads/${firstOf("upload", me, scene)}`, headers: TUS }),
    ...uploadBy(TUS),
  ),
  "PATCH /api/uploads/{id}": of(
    (me, scene) => ({
      path: `/api/uploads/${firstOf("upload", me, scene)}`,
      headers: { ...BYTES, "upload-offset": "0" },
      raw: "x",
    }),
    ...uploadBy({ ...BYTES, "upload-offset": "0" }, "x"),
  ),
  "DELETE /api/uploads/{id}": of(
    (me, scene) => ({ path: `/api/uploads/${firstOf("upload", me, scene)}`, headers: TUS }),
    ...uploadBy(TUS),
  ),

  // A session can refer only to itself; whose browser a subscription belongs to is tested elsewhere.
  "GET /api/push/key": own("/api/push/key"),
  "PUT /api/push/subscription": own("/api/push/subscription", { json: {} }),
  "DELETE /api/push/subscription": own("/api/push/subscription"),

  // What a ticket opens is tested elsewhere.
  "POST /api/notifications/ticket": own("/api/notifications/ticket"),
  "GET /api/notifications": own("/api/notifications"),
};
