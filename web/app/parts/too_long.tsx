// The message below a text that is too long. A field that cuts would silently lose what was written: ours
// accept everything, say by how much it is too long, and nothing is sent until it fits.

import { useLayoutEffect } from "preact/hooks";
import { codePoints } from "../../../services/texts/lengths.ts";
import { useTexts } from "../context.ts";

/** By how many characters a text is too long. */
export function excessOf(text: string, max: number): number {
  return Math.max(0, codePoints(text.trim()) - max);
}

interface TooLongProps {
  /** For the field's `aria-describedby`. */
  id: string;
  excess: number;
  max: number;
}

/** Screen readers announce the limit once, not a new number at every keystroke. */
export function TooLong({ id, excess, max }: TooLongProps) {
  const texts = useTexts();
  const isThere = excess > 0;
  useLayoutEffect(() => {
    // On a small screen this message would push the field out of view.
    if (isThere) document.activeElement?.scrollIntoView({ block: "nearest" });
  }, [isThere]);
  if (!isThere) return null;
  return (
    <p class="alert" id={id}>
      <span role="alert">{texts.tooLong(max)}</span> {texts.tooMany(excess)}
    </p>
  );
}
