import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface FieldProps {
  id: string;
  label: string;
  hint?: string;
  children: ComponentChildren;
}

/** A label, a field, and a hint that the field refers to by `aria-describedby`. */
export function Field({ id, label, hint, children }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
    </div>
  );
}

/** An error message, announced at once and scrolled into view. */
export function Alert({ children }: { children: string | null }) {
  const here = useRef<HTMLParagraphElement>(null);
  useLayoutEffect(() => here.current?.scrollIntoView({ block: "nearest" }), [children]);
  return children ? <p class="alert" role="alert" ref={here}>{children}</p> : null;
}
