import { deepEqual, equal } from "./assert.ts";
import { refused, withApp } from "./support.ts";

const FINGERPRINT = Array.from({ length: 32 }, () => "0f").join(":");
const APPS = { ANDROID_APP: `example.puffin=${FINGERPRINT}`, IOS_APP: "ABCDE12345.example.puffin" };
const ANDROID = "/.well-known/assetlinks.json";
const IOS = "/.well-known/apple-app-site-association";

Deno.test("configured apps may open links, declared in the form that Android and iOS expect", () =>
  withApp(async (t) => {
    const android = await t.call("GET", ANDROID);
    deepEqual([android.status, android.body], [200, [{
      relation: ["delegate_permission/common.handle_all_urls"],
      target: {
        namespace: "android_app",
        package_name: "example.puffin",
        sha256_cert_fingerprints: [FINGERPRINT.toUpperCase()],
      },
    }]]);
    const ios = await t.call("GET", IOS);
    deepEqual([ios.status, ios.body], [200, {
      applinks: { details: [{ appIDs: [APPS.IOS_APP], components: [{ "/": "/i/*" }] }] },
    }]);
    for (const { headers } of [android, ios]) {
      equal(headers.get("content-type"), "application/json");
      equal(headers.get("cache-control"), "public, max-age=3600");
    }
  }, { env: APPS }));

Deno.test("an app that is not configured has no file: 404", () =>
  withApp(async (t) => {
    refused(await t.call("GET", ANDROID), 404, "not_found");
    equal((await t.call("GET", IOS)).status, 200);
  }, { env: { IOS_APP: APPS.IOS_APP } }).then(() =>
    withApp(async (t) => {
      for (const path of [ANDROID, IOS]) refused(await t.call("GET", path), 404, "not_found");
    })
  ));
