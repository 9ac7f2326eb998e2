import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface FieldProps {
  id: string;
  label: string;
  hint?: string;
  children: ComponentChildren;
}

/** A label, its field, and a hint that the field names with `aria-describedby`. */
export function Field({ id, label, hint, children }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
    </div>
  );
}

/** What went wrong, read out at once, and to be seen on the smallest screen. */
export function Alert({ children }: { children: string | null }) {
  const here = useRef<HTMLParagraphElement>(null);
  useLayoutEffect(() => here.current?.scrollIntoView({ block: "nearest" }), [children]);
  return children ? <p class="alert" role="alert" ref={here}>{children}</p> : null;
}
