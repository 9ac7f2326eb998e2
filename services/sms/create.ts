import { log } from "../log.ts";
import type { SmsConfig } from "./config.ts";
import { type ConsoleSms, createConsoleSms } from "./console.ts";
import type { SmsSender } from "./sender.ts";
import { createTwilioSms } from "./twilio.ts";

/** The sender that the configuration names. */
export async function createSms(
  config: SmsConfig,
  { print, now }: { print: (text: string) => void; now: () => Date },
): Promise<SmsSender | ConsoleSms> {
  if (config.driver === "console") return createConsoleSms({ print, now });
  return await createTwilioSms({
    ...config,
    log: (failure) => log.warn("Twilio did not send", { ...failure }),
  });
}
