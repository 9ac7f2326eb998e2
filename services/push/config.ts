// Configuration of Web Push: the allowed push services and the VAPID key.

import { Buffer } from "node:buffer";
import { createECDH } from "node:crypto";
import { type Environment, isLoopback } from "../environment.ts";
import type { PushPair } from "./keys.ts";

/** Allowed push services: origins (`https://push.example`), or `*.` and a domain, which implies https. */
export type PushHosts = readonly string[];

/** The services of Chrome and its relatives, Firefox, Edge, and Safari. */
const KNOWN_HOSTS = [
  "https://fcm.googleapis.com",
  "*.push.services.mozilla.com",
  "*.notify.windows.com",
  "*.push.apple.com",
];
const NAME = /^(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;
const ORIGIN = /^https?:\/\/[^/\\?#@\s*]+\/?$/;

/** Reads names, `*.` and a name, or origins; "off" allows none. */
export function readPushHosts(env: Environment): PushHosts {
  const entries = env.list("PUSH_HOSTS").map((entry) => entry.toLowerCase());
  if (entries.length === 0) return KNOWN_HOSTS;
  if (entries.length === 1 && entries[0] === "off") return [];
  return entries.map((entry, index) => {
    if (NAME.test(entry)) return `https://${entry}`;
    if (entry.startsWith("*.") && NAME.test(entry.slice(2))) return entry;
    const origin = originOf(entry);
    const wanted = 'Must be "off" or names such as push.example, *.push.example or https://push.example:8443';
    if (origin === null) env.refuse("PUSH_HOSTS", `${wanted}, and entry ${index + 1} is not`);
    return origin ?? "";
  });
}

/** Without TLS only for this machine, for tests. */
function originOf(entry: string): string | null {
  const url = ORIGIN.test(entry) ? URL.parse(entry) : null;
  return url && (url.protocol === "https:" || isLoopback(url.hostname)) ? url.origin : null;
}

/**
 * The key pair in the format of `web-push generate-vapid-keys`; null if neither key is set, and the service
 * then makes its own. Setting only one is refused.
 */
export function readVapidPair(env: Environment): PushPair | null {
  const [public_key, private_key] = [env.text("VAPID_PUBLIC_KEY"), env.text("VAPID_PRIVATE_KEY")];
  if (public_key === null && private_key === null) return null;
  const pair = {
    public_key: env.required("VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY is set, and they belong together"),
    private_key: env.required("VAPID_PRIVATE_KEY", "VAPID_PUBLIC_KEY is set, and they belong together"),
  };
  if (public_key === null || private_key === null) return null;
  const derived = publicKeyOf(private_key);
  if (derived === null) env.refuse("VAPID_PRIVATE_KEY", "Must be a P-256 private key, 32 bytes in base64url");
  else if (derived !== public_key) {
    env.refuse("VAPID_PUBLIC_KEY", "Must be the public key that belongs to VAPID_PRIVATE_KEY, in base64url");
  }
  return pair;
}

function publicKeyOf(privateKey: string): string | null {
  if (!/^[\w-]{43}$/.test(privateKey)) return null;
  try {
    const curve = createECDH("prime256v1");
    curve.setPrivateKey(Buffer.from(privateKey, "base64url"));
    return curve.getPublicKey("base64url");
  } catch {
    return null;
  }
}

/** The contact for push services (RFC 8292, section 2.1); by default the service itself. */
export function readVapidSubject(env: Environment, publicUrl: string): string {
  const wanted = "Must be mailto: and an address, or an https:// URL";
  const text = env.matching("VAPID_SUBJECT", /^(mailto:[^\s@]+@[^\s@]+|https:\/\/[^\s]+)$/, wanted);
  if (text !== null && !URL.canParse(text)) env.refuse("VAPID_SUBJECT", wanted);
  if (text !== null) return text;
  return publicUrl.startsWith("https:") ? publicUrl : `mailto:push@${new URL(publicUrl).hostname}`;
}
