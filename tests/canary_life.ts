// A life of the service with everything in it that has to stay secret: people sign up and in, make mistakes,
// invite, talk, send voice messages, opt out. Secrets are noted as they come up.

import twilioSdk from "twilio";
import { equal, ok } from "./assert.ts";
import type { Canaries } from "./canary.ts";
import { PUBLIC_URL } from "./invite_calls.ts";
import type { Answer, Person } from "./support.ts";
import type { TwilioDouble } from "./twilio_double.ts";
import { fixture, joined, MULTIPART, multipart } from "./upload_calls.ts";

export interface Life {
  url: string;
  twilio: TwilioDouble;
  authToken: string;
  canaries: Canaries;
  /** The error codes that people were told. */
  codes: Set<string>;
}

interface Ask {
  token?: string | undefined;
  json?: unknown;
  raw?: BodyInit;
  headers?: Record<string, string>;
}

/** Makes a call, and notes what its answer grants. */
export async function call(
  { url, canaries, codes }: Life,
  method: string,
  path: string,
  { token, json, raw, headers }: Ask = {},
): Promise<{ status: number; body: Answer["body"]; text: string; headers: Headers }> {
  const body = json === undefined ? raw : JSON.stringify(json);
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = new TextDecoder("latin1").decode(await response.arrayBuffer());
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const answered = isJson && text !== "" ? JSON.parse(text) : null;
  canaries.noteAnswer(answered);
  if (answered?.code) codes.add(answered.code);
  for (const [, value] of text.matchAll(/name="(?:form|session)" value="([^"]+)"/g)) {
    canaries.note("token", value!);
  }
  return { status: response.status, body: answered, text, headers: response.headers };
}

/** The passcode and the link in the newest SMS to a number. */
function readSms({ twilio, canaries }: Life, phone: string): { passcode: string; link: string } {
  const to = (form: RegExp) =>
    twilio.messages.findLast((sms) => sms.to === phone && form.test(sms.body))?.body ?? "";
  const passcode = to(/^\d{6} /).slice(0, 6);
  const link = to(/\/i\//).match(/\/i\/([\w-]+)/)?.[1] ?? "";
  if (passcode !== "") canaries.note("passcode", passcode);
  if (link !== "") canaries.note("link", link);
  return { passcode, link };
}

export async function signUp(life: Life, phone: string): Promise<Person> {
  life.canaries.note("number", phone);
  equal((await call(life, "POST", "/api/auth/signup", { json: { phone_number: phone } })).status, 200);
  const { passcode } = readSms(life, phone);
  const wrong = life.canaries.note("passcode", String((Number(passcode) + 1) % 1_000_000).padStart(6, "0"));
  const complete = (passcode: string) =>
    call(life, "POST", "/api/auth/complete-signup", {
      json: { phone_number: phone, passcode, device: life.canaries.make("device") },
    });
  equal((await complete(wrong)).status, 400);
  const { status, body } = await complete(passcode);
  equal(status, 200, JSON.stringify(body));
  return { phone, token: body.token };
}

/** Two friends, who name each other and talk. */
export async function befriendAndTalk(life: Life, ann: Person, bob: Person): Promise<void> {
  const { canaries } = life;
  const label = () => canaries.make("label");
  const contact = (me: Person, peer: Person, what: string, json = {}) =>
    call(life, "PUT", `/api/contacts/${what}`, {
      token: me.token,
      json: { phone_number: peer.phone, ...json },
    });
  for (const [me, peer] of [[ann, bob], [bob, ann]] as const) {
    equal((await contact(me, peer, "request", { display_name: label() })).status, 200);
    equal((await contact(me, peer, "update", { display_name: label() })).status, 200);
  }
  const spelt = `+1 (${ann.phone.slice(2, 5)}) ${ann.phone.slice(5, 8)}-${ann.phone.slice(8)}`;
  for (const spelling of [spelt, ann.phone.replace("+", "00"), ann.phone.slice(1)]) {
    await call(life, "GET", `/api/contacts/${encodeURIComponent(spelling)}`, { token: bob.token });
  }
  const mediaId = await sendVoices(life, ann);
  const send = (json: object) =>
    call(life, "POST", "/api/messages/send", {
      token: ann.token,
      json: { phone_number: bob.phone, ...json },
    });
  for (const more of [{ message_type: "text" }, { message_type: "audio", media_content_id: mediaId }]) {
    const client_id = canaries.make("client_id");
    equal((await send({ ...more, message: canaries.make("text"), client_id })).status, 200);
    equal((await send({ ...more, message: canaries.make("text"), client_id })).status, 409);
  }
  const { body } = await call(life, "GET", `/api/messages/${ann.phone}?count=5`, { token: bob.token });
  await call(life, "PUT", "/api/messages/read_up_to", {
    token: bob.token,
    json: { phone_number: ann.phone, message_id: body.messages[0].id },
  });
}

/** Uploads in one piece and in several, and all ways to play it. Returns the media's id. */
async function sendVoices(life: Life, { token }: Person): Promise<number> {
  const canary = life.canaries.make("media");
  const file = joined(fixture("silence.amr"), canary);
  const path = "/api/messages/upload_media?media_type=audio";
  const { status, body } = await call(life, "POST", path, {
    token,
    raw: multipart({ bytes: file }),
    headers: MULTIPART,
  });
  equal(status, 200, JSON.stringify(body));
  const begun = await call(life, "POST", "/api/uploads", {
    token,
    headers: {
      "tus-resumable": "1.0.0",
      "upload-length": String(file.length),
      "upload-metadata": `media_type ${btoa("audio")},filename ${btoa(life.canaries.make("filename"))}`,
    },
  });
  equal(begun.status, 201);
  await call(life, "PATCH", begun.headers.get("location")!, {
    token,
    raw: file,
    headers: {
      "tus-resumable": "1.0.0",
      "upload-offset": "0",
      "content-type": "application/offset+octet-stream",
    },
  });
  const { body: signed } = await call(life, "GET", `/api/messages/media/${body.id}/url`, { token });
  const { pathname, search } = new URL(signed.url);
  ok((await call(life, "GET", pathname + search)).text.includes(canary));
  await call(life, "GET", `${pathname}${search.slice(0, -1)}`);
  equal((await call(life, "HEAD", `/api/messages/media/${body.id}?token=${token}`)).status, 200);
  return body.id;
}

/** An invitation by SMS, its page with a wrong and a right code, and "never invite me again". */
export async function inviteAndJoin(life: Life, inviter: Person, phone: string): Promise<void> {
  life.canaries.note("number", phone);
  const json = { phone_number: phone, display_name: life.canaries.make("label") };
  equal((await call(life, "PUT", "/api/contacts/request", { token: inviter.token, json })).status, 200);
  const page = `/i/${readSms(life, phone).link}`;
  const forms = (text: string) =>
    [...text.matchAll(/<form method="post">(.*?)<\/form>/gs)].map(([, form]) =>
      Object.fromEntries(
        [...form!.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map((
          [, name, value],
        ) => [name!, value!]),
      )
    );
  const submit = async (text: string, step: string, typed = {}) => {
    const form = forms(text).find((form) => form.step === step);
    ok(form, `No form for ${step}`);
    return (await call(life, "POST", page, { raw: new URLSearchParams({ ...form, ...typed }) })).text;
  };
  const start = (await call(life, "GET", page)).text;
  const asked = await submit(start, "send");
  await submit(asked, "verify", { passcode: life.canaries.note("passcode", "731946") });
  const entered = await submit(asked, "verify", { passcode: readSms(life, phone).passcode });
  await submit(entered, "accept");
  await submit(start, "never");
}

/** Callbacks of Twilio about SMS and people, with valid and invalid signatures. */
export async function tellByTwilio(life: Life, phone: string): Promise<void> {
  const tell = (path: string, form: Record<string, string>, token = life.authToken) =>
    call(life, "POST", path, {
      raw: new URLSearchParams(form),
      headers: { "x-twilio-signature": twilioSdk.getExpectedTwilioSignature(token, PUBLIC_URL + path, form) },
    });
  const said = { To: phone, From: phone, Body: life.canaries.make("text") };
  for (const MessageSid of life.twilio.sids) {
    equal(
      (await tell("/api/twilio/status", {
        ...said,
        MessageSid,
        MessageStatus: "undelivered",
        ErrorCode: "30003",
      })).status,
      204,
    );
  }
  equal((await tell("/api/twilio/inbound", said)).status, 204);
  equal((await tell("/api/twilio/inbound", { ...said, Body: "STOP" })).status, 204);
  equal((await tell("/api/twilio/inbound", said, "another token")).status, 403);
  equal((await call(life, "POST", "/api/auth/signin", { json: { phone_number: phone } })).status, 403);
}
