// The middle of the bar: what Enter does to the focused element.

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { useTexts } from "../context.ts";

export function EnterKey({ frame }: { frame: RefObject<HTMLElement | null> }) {
  const texts = useTexts();
  const [word, setWord] = useState<string | null>("");
  useLayoutEffect(() => {
    const screen = frame.current!;
    const look = () =>
      setWord(wordOf(screen.contains(document.activeElement) ? document.activeElement : null));
    look();
    screen.addEventListener("focusin", look);
    // What Enter does may change while the focus stays, for example once there is a text to send.
    const watch = new MutationObserver(look);
    watch.observe(screen, { subtree: true, attributeFilter: ["data-enter"] });
    return () => {
      screen.removeEventListener("focusin", look);
      watch.disconnect();
    };
  }, []);
  return <span class="middle clip" aria-hidden="true">{word ?? texts.keys.select}</span>;
}

/**
 * The label of Enter for an element, its own or its form's; null if Enter presses it, "" if Enter does
 * nothing.
 */
function wordOf(element: Element | null): string | null {
  if (!(element instanceof HTMLElement)) return "";
  if (element.dataset.enter !== undefined) return element.dataset.enter;
  const isSubmitting = element.matches("input:not([type=range]), textarea, [type=submit]");
  if (isSubmitting) return element.closest("form")?.dataset.enter ?? "";
  return element.matches("button, a") ? null : "";
}
