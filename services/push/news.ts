// Which events wake a phone.

import type { WakeEvent } from "../../db/push/push_wakes.ts";
import type { Event } from "../events/events.ts";

/** A message to this user or a new friend request; null for any other event. */
export function newsOf(event: Event): WakeEvent | null {
  if (event.event === "messages_updated") return event.delivery ? "messages_updated" : null;
  return event.event === "contacts_updated" && event.asks ? "contacts_updated" : null;
}
