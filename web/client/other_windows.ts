// The other windows of this browser with the same session. The service does not tell a session about its own
// changes, so the windows tell each other.

import { createListeners, type Listeners } from "./listeners.ts";
import type { Notice } from "./live.ts";

/** @param name of the profile whose windows these are */
export function createOtherWindows(name: string): Listeners<Notice> {
  const notices = createListeners<Notice>();
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`${name}.notices`) : null;
  channel?.addEventListener("message", ({ data }) => notices.tell(data));
  return { on: notices.on, tell: (notice) => channel?.postMessage(notice) };
}
