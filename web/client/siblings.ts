// The other windows of this browser. They have one session together, and the service tells a session nothing of what it
// did itself: so the windows tell each other.

import { createListeners, type Listeners } from "./listeners.ts";
import type { Notice } from "./live.ts";

/** @param name of whose windows they are */
export function createSiblings(name: string): Listeners<Notice> {
  const notices = createListeners<Notice>();
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`${name}.notices`) : null;
  channel?.addEventListener("message", ({ data }) => notices.tell(data));
  return { on: notices.on, tell: (notice) => channel?.postMessage(notice) };
}
