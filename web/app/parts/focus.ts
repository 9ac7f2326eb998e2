import { useEffect, useRef } from "preact/hooks";

/** What this is given to has the focus when it comes, and whenever `when` is another. */
export function useFocus<Kind extends HTMLElement>(when?: unknown) {
  const ref = useRef<Kind>(null);
  useEffect(() => ref.current?.focus(), [when]);
  return ref;
}
