import { useLayoutEffect, useRef } from "preact/hooks";

/**
 * Focuses the element with this ref when it is added, before the next keystroke, and again whenever `when`
 * changes.
 */
export function useFocus<Kind extends HTMLElement>(when?: unknown) {
  const ref = useRef<Kind>(null);
  useLayoutEffect(() => ref.current?.focus(), [when]);
  return ref;
}
