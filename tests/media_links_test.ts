// Signed addresses, which give access to one media for ten minutes, for players that cannot send a token.

import { createMediaLinks } from "../services/media/links.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { addMedia, fetchBytes, same, signedPath } from "./media_calls.ts";
import { ANN, type Answer, BOB, type Person, refused, type TestApp, withApp } from "./support.ts";
import { fixture } from "./upload_calls.ts";

const MINUTE_MS = 60_000;
const OLD = "the old secret, of thirty-two bytes or more";
const NEW = "the new secret, of thirty-two bytes or more";

async function withSigned(run: (t: TestApp, of: { ann: Person; id: number; path: string }) => Promise<void>) {
  await withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const id = await addMedia(t, ann, fixture("opus.ogg"));
    await run(t, { ann, id, path: await signedPath(t, ann, id) });
  });
}

/** The body of an error without its request id, which differs in each. */
function lasting({ body }: Answer): unknown {
  return { ...body, request_id: null };
}

/** The same address with its query changed. */
function withQuery(path: string, change: (query: URLSearchParams) => void): string {
  const [address, search] = path.split("?");
  const query = new URLSearchParams(search);
  change(query);
  return `${address}?${query}`;
}

Deno.test("a signed address works without a token, whole and by range, in all its forms", () =>
  withSigned(async (t, { id, path }) => {
    const bytes = fixture("opus.ogg");
    const query = path.split("?")[1];
    const forms = [
      path,
      `/api/messages/media/${id}/?${query}`,
      `/api/messages/media?media_content_id=${id}&${query}`,
    ];
    for (const form of forms) {
      await same((await fetchBytes(t, form)).bytes, bytes);
      const part = await fetchBytes(t, form, { range: "bytes=10-19" });
      equal(part.status, 206);
      await same(part.bytes, bytes.slice(10, 20));
      equal((await fetchBytes(t, form, { method: "HEAD" })).status, 200);
    }
  }));

Deno.test("a signed address works even with an invalid token or somebody else's", () =>
  withSigned(async (t, { path }) => {
    const bob = await t.signUp(BOB);
    for (const token of [bob.token, "nonsense"]) {
      equal((await fetchBytes(t, path, { token })).status, 200);
      equal((await fetchBytes(t, `${path}&token=${token}`)).status, 200);
    }
  }));

Deno.test("a signed address contains neither the token nor the number of its owner, and is not logged", () =>
  withSigned(async (t, { ann, id, path }) => {
    const answer = await t.call("GET", `/api/messages/media/${id}/url`, { token: ann.token });
    const url = new URL(answer.body.url);
    deepEqual([...url.searchParams.keys()], ["expires", "signature"]);
    ok(ann.token.split(".").every((part) => !answer.body.url.includes(part)));
    ok(!answer.body.url.includes(ANN.slice(1)));
    equal(url.pathname, `/api/messages/media/${id}`);
    equal(answer.headers.get("cache-control"), "no-store");

    await fetchBytes(t, path);
    ok(!t.log.join("").includes(new URLSearchParams(path.split("?")[1]).get("signature")!));
  }));

Deno.test("a signed address expires after ten minutes, and its answer says when", () =>
  withSigned(async (t, { ann, id }) => {
    t.clock.freeze();
    const answer = await t.call("GET", `/api/messages/media/${id}/url`, { token: ann.token });
    const left = Date.parse(answer.body.expires_at) - t.clock.now().getTime();
    ok(left > 10 * MINUTE_MS - 1_000 && left <= 10 * MINUTE_MS, `${left}`);
    const { pathname, search } = new URL(answer.body.url);

    const fresh = await fetchBytes(t, pathname + search);
    const kept = Number(fresh.headers.get("cache-control")!.match(/^private, max-age=(\d+)$/)![1]);
    ok(kept > 598 && kept * 1_000 <= left, `${kept}`);
    t.clock.advance(left - 1);
    const last = await fetchBytes(t, pathname + search);
    deepEqual([last.status, last.headers.get("cache-control")], [200, "private, no-cache"]);
    t.clock.advance(1);
    refused(await t.call("GET", pathname + search), 404, "media_not_found");
    equal((await fetchBytes(t, await signedPath(t, ann, id))).status, 200);
  }));

Deno.test("a signed address opens nothing but its media: changed anywhere, it is answered like media that never existed", () =>
  withSigned(async (t, { ann, id, path }) => {
    const other = await addMedia(t, ann, fixture("voice.mp3"));
    const expected = lasting(await t.call("GET", "/api/messages/media/1", { token: ann.token }));
    const query = new URLSearchParams(path.split("?")[1]);
    const signature = query.get("signature")!;
    const flipped = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
    const changed = [
      path.replace(String(id), String(other)),
      path.replace(String(id), "1"),
      withQuery(path, (to) => to.set("expires", String(Number(query.get("expires")) + 1))),
      withQuery(path, (to) => to.set("expires", "999999999999")),
      withQuery(path, (to) => to.delete("expires")),
      ...[flipped, signature.slice(1), `${signature}A`, "", "\u{1F600}", signature.toLowerCase()]
        .map((wrong) => withQuery(path, (to) => to.set("signature", wrong))),
    ];
    for (const wrong of changed) {
      const answer = await t.call("GET", wrong);
      refused(answer, 404, "media_not_found");
      deepEqual(lasting(answer), expected, wrong);
    }
    refused(await t.call("GET", withQuery(path, (to) => to.delete("signature"))), 401, "unauthenticated");
    refused(await t.call("GET", `/api/messages/media/${id}/url?${query}`), 401, "unauthenticated");
  }));

Deno.test("a signed address stays valid after a rotation of the secret while the old one is listed, and no longer", async () => {
  const database = await createTestDatabase();
  try {
    let path = "";
    const run = (secrets: string, test: (t: TestApp) => Promise<void>) =>
      withApp(test, { database, env: { JWT_SECRET: secrets } });
    await run(OLD, async (t) => {
      const ann = await t.signUp(ANN);
      path = await signedPath(t, ann, await addMedia(t, ann, fixture("opus.ogg")));
    });
    await run(`${NEW},${OLD}`, async (t) => equal((await fetchBytes(t, path)).status, 200));
    await run(NEW, async (t) => refused(await t.call("GET", path), 404, "media_not_found"));
  } finally {
    await database.drop();
  }
});

Deno.test("sign() signs with the first secret only, and differently for other media, people and times", () => {
  let at = Date.UTC(2026, 0, 1);
  const now = () => new Date(at);
  const both = createMediaLinks({ secrets: [NEW, OLD], now });
  const first = both.sign(1, 7);
  ok(createMediaLinks({ secrets: [NEW], now }).signerOf(1, first));
  equal(createMediaLinks({ secrets: [OLD], now }).signerOf(1, first), null);
  const others = [[2, 7], [12, 7], [1, 2], [1, 72]].map(([id, userId]) => both.sign(id!, userId!).signature);
  at += 1_000;
  equal(new Set([first.signature, ...others, both.sign(1, 7).signature]).size, 6);
});

Deno.test("signerOf() distinguishes people without revealing who they are, whatever they sign and when", () => {
  let at = Date.UTC(2026, 0, 1);
  const links = createMediaLinks({ secrets: [NEW], now: () => new Date(at) });
  const signer = (id: number, userId: number) => links.signerOf(id, links.sign(id, userId));
  const ann = signer(1, 7);
  match(ann!, /^[\w-]{11}$/);
  at += 60_000;
  deepEqual([signer(1, 7), signer(2, 7)], [ann, ann]);
  ok(signer(1, 8) !== ann);
  const { expires, signature } = links.sign(1, 8);
  equal(links.signerOf(1, { expires, signature: ann + signature.slice(11) }), null);
});
