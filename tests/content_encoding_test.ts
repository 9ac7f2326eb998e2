import { deepEqual, equal, ok } from "./assert.ts";
import { listOperations, readDocument } from "./operations.ts";
import { twilioEnv } from "./passcode_calls.ts";
import { ANN, type Answer, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { startTwilioDouble } from "./twilio_double.ts";
import { fixture, MULTIPART, multipart, NOTHING, remains, uploadBody } from "./upload_calls.ts";

const JSON_TYPE = { "content-type": "application/json" };

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
}

function refusedAs(answer: Answer, coding: string): void {
  refused(answer, 415, "unsupported_media_type");
  const message = `Must be identity or absent, not "${coding}"`;
  deepEqual(answer.body.issues, [{ path: "Content-Encoding", message }]);
}

Deno.test("a JSON body that is encoded is 415 in every call that takes one, and the error names the header", () =>
  withApp(async (t) => {
    const operations = listOperations(await readDocument(t))
      .filter(({ body }) => body === "fields" || body === "none");
    ok(operations.length > 10);
    const { token } = await t.signUp(ANN);
    for (const { method, path, needsToken, sample } of operations) {
      for (const coding of ["gzip", "deflate", "br", "identity, gzip", "aes128gcm"]) {
        const answer = await t.call(method, path, {
          raw: await gzip(JSON.stringify(sample)),
          headers: { ...JSON_TYPE, "content-encoding": coding },
          ...(needsToken ? { token } : {}),
        });
        refusedAs(answer, coding);
      }
    }
  }));

Deno.test("a multipart upload that is compressed is 415 and leaves nothing", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const headers = { ...MULTIPART, "content-encoding": "gzip" };
    const body = multipart({ bytes: fixture("voice.wav") });
    refusedAs(await uploadBody(t, token, body, "audio", headers), "gzip");
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("a form that is compressed is 415, on the page and from the provider", async () => {
  const twilio = startTwilioDouble();
  const packed = async (t: TestApp) => {
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip" };
    const raw = await gzip("step=ask");
    const page = await fetch(`${t.url}/i/AAAAAAAAAAAAAAAAAAAAAA`, { method: "POST", headers, body: raw });
    equal(page.status, 415);
    ok((await page.text()).startsWith("<!doctype html>"));
    refusedAs(await t.call("POST", "/api/twilio/status", { raw, headers }), "gzip");
  };
  try {
    await withApp(packed, { env: twilioEnv(twilio) });
  } finally {
    await twilio.close();
  }
});

Deno.test("a body whose Content-Encoding is identity or empty is accepted", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const [place, coding] of ["identity", "Identity", ""].entries()) {
      const raw = JSON.stringify({ phone_number: `+1415555015${place}` });
      const headers = { ...JSON_TYPE, "content-encoding": coding };
      succeeded(await t.call("PUT", "/api/contacts/request", { token: ann.token, raw, headers }));
    }
  }));

Deno.test("a call of tus without bytes accepts any Content-Encoding", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const method of ["HEAD", "DELETE"]) {
      const headers = { "tus-resumable": "1.0.0", "content-encoding": "gzip" };
      equal((await t.call(method, "/api/uploads/7", { token, headers })).status, 404);
    }
  }));
