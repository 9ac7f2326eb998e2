// Which endpoints given by clients the service sends pushes to, and which key it signs them with.

import fc from "fast-check";
import { parseConfig } from "../services/config.ts";
import { parseEndpoint } from "../services/push/endpoints.ts";
import { makePair } from "../services/push/keys.ts";
import { deepEqual, doesNotMatch, equal, throws } from "./assert.ts";

const KNOWN = parseConfig({}).pushHosts;

Deno.test("parseEndpoint() accepts endpoints of the browsers' push services", () => {
  for (
    const endpoint of [
      "https://fcm.googleapis.com/fcm/send/cXk:APA91bE-x_y",
      "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB",
      "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAD%2b",
      "https://web.push.apple.com/QGuQ",
    ]
  ) equal(parseEndpoint(endpoint, KNOWN), endpoint);
  equal(parseEndpoint("HTTPS://FCM.googleapis.com:443/x", KNOWN), "https://fcm.googleapis.com/x");
});

const REFUSED = [
  ...["", "x", "//fcm.googleapis.com/x", "http://fcm.googleapis.com/x", "ftp://fcm.googleapis.com/x"],
  ...[
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com.:443/x",
    "https://fcm.googleapis.com./x",
  ],
  ...["https://u@fcm.googleapis.com/x", "https://:p@fcm.googleapis.com/x", "https://fcm.googleapis.com/x#"],
  ...[
    "https://fcm.googleapis.com.evil.example/x",
    "https://evil-fcm.googleapis.com/x",
    "https://googleapis.com/x",
  ],
  ...["https://push.apple.com/x", "https://.push.apple.com/x", "https://evilpush.apple.com/x"],
  ...[
    "https://push.apple.com.evil.example/x",
    "https://evil.example/web.push.apple.com",
    "http://a.push.apple.com/",
  ],
  ...[
    "https://a.push.apple.com:8443/",
    "https://evil.example\\.push.apple.com/",
    "https://evil.example?.push.apple.com",
  ],
  ...[
    "https://localhost/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://169.254.169.254/latest/meta-data",
  ],
  ...["https://10.0.0.1/x", "https://0x7f000001/x", "https://2130706433/x", "https://[::ffff:10.0.0.1]/x"],
  ...["file:///etc/passwd", "data:,x", "javascript:1", "https://\u{ff46}cm.googleapis.example/"],
];

Deno.test("parseEndpoint() refuses whatever is not an address of a known push service", () => {
  for (const endpoint of REFUSED) equal(parseEndpoint(endpoint, KNOWN), null, endpoint);
});

Deno.test("parseEndpoint() accepts no text that leads anywhere but to a known name by https", () => {
  const part = fc.constantFrom(
    "https:",
    "http:",
    "/",
    "//",
    "@",
    ":",
    "fcm.googleapis.com",
    "web.push.apple.com",
    ".",
    "#",
    "\\",
    "?",
    "evil.example",
    "443",
    "80",
    " ",
    "\t",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
      const taken = parseEndpoint(parts.join(""), KNOWN);
      if (taken === null) return;
      const { protocol, hostname, port, username, password } = new URL(taken);
      deepEqual([protocol, port, username, password], ["https:", "", "", ""]);
      equal(hostname === "fcm.googleapis.com" || hostname.endsWith(".push.apple.com"), true, hostname);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("parseEndpoint() accepts the hosts that PUSH_HOSTS names, and with off none", () => {
  const hosts = (list: string) => parseConfig({ PUSH_HOSTS: list }).pushHosts;
  equal(parseEndpoint("https://push.example/x", hosts("push.example")), "https://push.example/x");
  equal(parseEndpoint("https://fcm.googleapis.com/x", hosts("push.example")), null);
  equal(parseEndpoint("http://127.0.0.1:9/x", hosts("http://127.0.0.1:9")), "http://127.0.0.1:9/x");
  equal(parseEndpoint("http://127.0.0.1:10/x", hosts("http://127.0.0.1:9")), null);
  equal(parseEndpoint("https://fcm.googleapis.com/x", hosts("off")), null);
});

const PAIR = makePair();
const VAPID = { VAPID_PUBLIC_KEY: PAIR.public_key, VAPID_PRIVATE_KEY: PAIR.private_key };

function problem(variables: Record<string, string>): string {
  let message = "";
  throws(() => parseConfig({ ...VAPID, ...variables }), (error: Error) => {
    message = error.message;
    return true;
  });
  return message;
}

Deno.test("parseConfig() accepts VAPID keys that are a pair, and never quotes them", () => {
  deepEqual(parseConfig(VAPID).vapidPair, PAIR);
  const other = makePair();
  const messages = [
    problem({ VAPID_PUBLIC_KEY: "" }),
    problem({ VAPID_PRIVATE_KEY: "" }),
    problem({ VAPID_PUBLIC_KEY: other.public_key }),
    problem({ VAPID_PRIVATE_KEY: other.private_key }),
    ...["x", "A".repeat(43), PAIR.private_key.slice(1), `${PAIR.private_key}=`].map((key) =>
      problem({ VAPID_PRIVATE_KEY: key })
    ),
  ];
  deepEqual(messages.map((message) => message.split(":")[0]), [
    ...["VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY", "VAPID_PUBLIC_KEY", "VAPID_PUBLIC_KEY"],
    ...Array(4).fill("VAPID_PRIVATE_KEY"),
  ]);
  for (const message of messages) {
    doesNotMatch(message, new RegExp(`${PAIR.private_key}|${other.private_key}|\n`));
  }
});

Deno.test("parseConfig() uses PUBLIC_URL as the VAPID subject if it is https, and a mailto address otherwise", () => {
  equal(parseConfig({ PUBLIC_URL: "https://chat.example" }).vapidSubject, "https://chat.example");
  equal(parseConfig({ PUBLIC_URL: "http://chat.example" }).vapidSubject, "mailto:push@chat.example");
});
