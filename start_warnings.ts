// Warnings at the start about settings that work, but that the operator may regret.

import type { Server } from "./db/connection/server.ts";
import type { Config } from "./services/config.ts";
import { log } from "./services/log.ts";
import { isPublic } from "./services/sms/create.ts";

const CLOCK_WARNED_MS = 30_000;

/** Warns about SMS: none sent although users expect them, links that lead nowhere, unlimited costs. */
export function warnOfSms({ sms, smsEnabled, limits, publicUrl, trustedProxyCount }: Config): void {
  if (sms.driver === "console") {
    if (!isPublic(publicUrl) && trustedProxyCount === 0) return;
    return log.warn(
      "No SMS are sent: every passcode is in this log, and at /dev for everybody who comes through a proxy that adds no X-Forwarded-For",
      { missing: "TWILIO_ACCOUNT_SID and the other TWILIO_ variables" },
    );
  }
  if (!smsEnabled) return;
  if (!isPublic(publicUrl)) {
    log.warn(
      "PUBLIC_URL is reachable only from this network: links in SMS do not open elsewhere, and Twilio cannot report deliveries",
      { public_url: publicUrl },
    );
  }
  const off = Object.entries(limits).filter(([name, limit]) => name.startsWith("sms_") && limit === null);
  if (off.length === 0) return;
  log.warn("LIMITS leaves SMS that cost money unlimited", { off: off.map(([name]) => name).join(", ") });
}

/** Warns about the clock: processes with different clocks see each other's passcodes as expired, and limits as full or empty. */
export function warnOfClock(aheadMs: number): void {
  if (Math.abs(aheadMs) <= CLOCK_WARNED_MS) return;
  log.warn(
    "The clock of this machine differs from the database's: passcodes may expire too early, and so may sessions if it is days",
    {
      seconds: Math.round(Math.abs(aheadMs) / 1_000),
      this_machine_is: aheadMs > 0 ? "ahead" : "behind",
    },
  );
}

/** Warns about PostgreSQL's settings: with `fsync` or the like off, a message answered with 200 may be gone after a crash. */
export function warnOfSettings({ unsafe }: Pick<Server, "unsafe">): void {
  if (unsafe.length === 0) return;
  log.warn("A crash of the database may lose messages that were confirmed as stored", {
    off: unsafe.join(", "),
  });
}

/** Warns about unreadable media, as after a restore by another role. */
export function warnOfMedia(unreadable: { owner: string } | null): void {
  if (!unreadable) return;
  log.warn("Media cannot be read, because their large objects belong to another role", { ...unreadable });
}
