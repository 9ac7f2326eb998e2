// Decides which profile this window belongs to, that is, the name under which it stores its data. `?profile=`
// lets several people use one browser, each in a window of their own. An invitation that was answered while
// somebody else is signed in gets a profile of its own too.

import type { Session } from "../client.ts";
import { readSession } from "../client/session.ts";
import { own } from "../client/storage.ts";
import { hasTexts } from "../client/stored_data.ts";

const PREFIX = "puffintalk";
const PROFILE_KEY = `${PREFIX}.profile`;
const HANDOVER_KEY = `${PREFIX}.handover`;

export interface Arrival {
  /** The prefix of everything that this window stores in the browser. */
  name: string;
  /** The session that the page of an invitation has opened; null if there is none. */
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
