// The middle of the bar: what Enter does where the focus is.

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
    // What has the focus may do another thing now: a text is there to be sent, a voice plays.
    const watch = new MutationObserver(look);
    watch.observe(screen, { subtree: true, attributeFilter: ["data-enter"] });
    return () => {
      screen.removeEventListener("focusin", look);
      watch.disconnect();
    };
  }, []);
  return <span class="middle clip" aria-hidden="true">{word ?? texts.keys.select}</span>;
}

/** The word that something has of its own, or its form for it; null for what is only pressed, "" where Enter does nothing. */
function wordOf(element: Element | null): string | null {
  if (!(element instanceof HTMLElement)) return "";
  if (element.dataset.enter !== undefined) return element.dataset.enter;
  const isSubmitting = element.matches("input:not([type=range]), textarea, [type=submit]");
  if (isSubmitting) return element.closest("form")?.dataset.enter ?? "";
  return element.matches("button, a") ? null : "";
}
