// Under which name this window keeps what it knows. `?profile=` lets several people use one browser, each in a window of
// his own; an invitation that was answered by somebody else than who is signed in here gets a name of its own as well.

import type { Session } from "../client.ts";
import { hasTexts } from "../client/kept.ts";
import { readSession } from "../client/session.ts";
import { own } from "../client/storage.ts";

const PREFIX = "puffintalk";
const PROFILE_KEY = `${PREFIX}.profile`;
const HANDOVER_KEY = `${PREFIX}.handover`;

export interface Arrival {
  name: string;
  /** The session that the page of an invitation opened. */
  handover: Session | null;
}

export function arrive(): Arrival {
  const asked = new URLSearchParams(location.search).get("profile");
  if (asked !== null && /^\w{1,20}$/.test(asked)) own.put(PROFILE_KEY, asked);
  const handover = takeHandover();
  const current = nameOf(own.get(PROFILE_KEY));
  if (handover === null || isFree(current, handover)) return { name: current, handover };
  const profile = handover.phone_number.replaceAll(/\D/g, "");
  own.put(PROFILE_KEY, profile);
  return { name: nameOf(profile), handover };
}

function nameOf(profile: string | null): string {
  return profile === null ? PREFIX : `${PREFIX}.${profile}`;
}

function isFree(name: string, { phone_number }: Session): boolean {
  const kept = readSession(name);
  return kept === null || kept.phone_number === phone_number;
}

function takeHandover(): Session | null {
  const handover = own.read<Session>(HANDOVER_KEY);
  own.put(HANDOVER_KEY, null);
  return hasTexts(handover, ["token", "phone_number"]) ? handover : null;
}

/** What the list of devices calls this one. */
export function deviceName(userAgent: string): string {
  const browser = [
    [/KAIOS\/([\d.]+)/, "KaiOS"],
    [/Edg\//, "Edge"],
    [/OPR\//, "Opera"],
    [/Firefox\//, "Firefox"],
    [/Chrome\//, "Chrome"],
    [/Safari\//, "Safari"],
  ].find(([form]) => (form as RegExp).test(userAgent))?.[1];
  const system = [
    [/iPhone|iPad/, "iOS"],
    [/Android/, "Android"],
    [/Windows/, "Windows"],
    [/Mac OS/, "macOS"],
    [/CrOS/, "ChromeOS"],
    [/Linux/, "Linux"],
  ].find(([form]) => (form as RegExp).test(userAgent))?.[1];
  return [browser ?? "PuffinTalk", system].filter(Boolean).join(", ");
}
