import { log } from "../log.ts";
import type { SmsConfig } from "./config.ts";
import { type ConsoleSms, createConsoleSms } from "./console.ts";
import type { SmsSender } from "./sender.ts";
import { createTwilioSms } from "./twilio.ts";

/** Creates the configured sender. */
export async function createSms(
  config: SmsConfig,
  { print, now, publicUrl }: { print: (text: string) => void; now: () => Date; publicUrl: string },
): Promise<SmsSender | ConsoleSms> {
  if (config.driver === "console") return createConsoleSms({ print, now });
  return await createTwilioSms({
    ...config,
    statusCallback: isPublic(publicUrl) ? `${publicUrl}/api/twilio/status` : null,
    log: (failure) => log.warn("Twilio did not send", { ...failure }),
  });
}

/** Names and addresses of this machine or a private network. */
const PRIVATE_HOST =
  /^([^.]+|.+\.(localhost|local|internal|test)|(127|10|0)\..+|192\.168\..+|169\.254\..+|172\.(1[6-9]|2\d|3[01])\..+)$/;

/**
 * Whether the URL is public, so that Twilio can reach it: Twilio refuses every SMS whose callback it cannot
 * reach.
 */
export function isPublic(publicUrl: string): boolean {
  return !PRIVATE_HOST.test(new URL(publicUrl).hostname);
}
