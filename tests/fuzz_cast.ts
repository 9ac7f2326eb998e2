// The people of a fuzz run: two friends with everything that a request can refer to, so that only what was
// made wrong is wrong.

import { equal } from "./assert.ts";
import type { Field, Surface } from "./fuzz_surface.ts";
import { ask, befriend, send, signUp } from "./service_client.ts";
import type { Person } from "./support.ts";
import { fixture, MULTIPART, multipart } from "./upload_calls.ts";

export interface Cast {
  me: Person;
  peer: Person;
  /** The id of a message from the peer to me. */
  messageId: number;
  mediaId: number;
  expires: string;
  signature: string;
  uploadId: string;
  /** An invitation of mine, and the form tokens of its page by step. */
  link: string;
  forms: Map<string, string>;
}

let people = 0;

/** A new number at every call. */
export function nextNumber(): string {
  people += 1;
  return `+1415${5_560_000 + people}`;
}

export async function createCast(url: string): Promise<Cast> {
  const [me, peer] = [await signUp(url, nextNumber()), await signUp(url, nextNumber())];
  await befriend(url, me, peer);
  const { body } = await send(url, peer, me, "Hello");
  const mediaId = await upload(url, me);
  const played = await ask(`${url}/api/messages/media/${mediaId}/url`, "GET", me.token);
  const { searchParams } = new URL(played.body.url);
  return {
    me,
    peer,
    messageId: body.messages[0].id,
    mediaId,
    expires: searchParams.get("expires")!,
    signature: searchParams.get("signature")!,
    uploadId: await beginUpload(url, me),
    ...await invite(url, me),
  };
}

async function upload(url: string, { token }: Person): Promise<number> {
  const response = await fetch(`${url}/api/messages/upload_media?media_type=audio`, {
    method: "POST",
    headers: { ...MULTIPART, authorization: `Bearer ${token}` },
    body: multipart({ bytes: fixture("silence.amr") }),
  });
  const answer = await response.json();
  equal(response.status, 200, JSON.stringify(answer));
  return answer.id;
}

async function beginUpload(url: string, { token }: Person): Promise<string> {
  const response = await fetch(`${url}/api/uploads`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "tus-resumable": "1.0.0",
      "upload-length": "100000",
      "upload-metadata": `media_type ${btoa("audio")}`,
    },
  });
  equal(response.status, 201, await response.text());
  return response.headers.get("location")!.split("/").at(-1)!;
}

async function invite(url: string, { token }: Person): Promise<Pick<Cast, "link" | "forms">> {
  const phone_number = nextNumber();
  equal((await ask(`${url}/api/contacts/request`, "PUT", token, { phone_number })).status, 200);
  const { body } = await ask(`${url}/dev/sms?to=${encodeURIComponent(phone_number)}`, "GET");
  const link: string = body.messages[0].text.match(/\/i\/([\w-]+)/)[1];
  const html = await (await fetch(`${url}/i/${link}`)).text();
  const forms = html.matchAll(/name="step" value="(\w+)".*?name="form" value="([^"]+)"/gs);
  return { link, forms: new Map([...forms].map(([, step, form]) => [step!, form!])) };
}

let keys = 0;

/** A valid value of a field, where the document alone does not tell. */
export function rightValue(cast: Cast, { pattern, body }: Surface, field: Field): unknown {
  const known: Record<string, () => unknown> = {
    phone_number: () => cast.peer.phone,
    to: () => cast.peer.phone,
    From: () => cast.peer.phone,
    passcode: () => "123456",
    message_id: () => cast.messageId,
    media_content_id: () => body === "json" ? null : cast.mediaId,
    client_id: () => `key ${keys += 1}`,
    "idempotency-key": () => `key ${keys}`,
    expires: () => cast.expires,
    signature: () => cast.signature,
    token: () => field.in === "path" ? cast.link : cast.me.token,
    session: () => cast.me.token,
    form: () => cast.forms.get("send"),
    id: () => pattern.includes("/uploads/") ? cast.uploadId : cast.mediaId,
  };
  return (known[field.name] ?? (() => field.right))();
}
