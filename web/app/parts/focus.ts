import { useLayoutEffect, useRef } from "preact/hooks";

/** What this is given to has the focus when it comes, before the next key, and whenever `when` is another. */
export function useFocus<Kind extends HTMLElement>(when?: unknown) {
  const ref = useRef<Kind>(null);
  useLayoutEffect(() => ref.current?.focus(), [when]);
  return ref;
}
