// Where a text does not fit. A field that cuts would lose, without a word, what somebody wrote: ours take everything in,
// say how much is too many, and nothing is sent until it fits.

import { useLayoutEffect } from "preact/hooks";
import { codePoints } from "../../../services/texts/lengths.ts";
import { useTexts } from "../context.ts";

/** How many characters have to go from a text before it can be sent. */
export function excessOf(text: string, max: number): number {
  return Math.max(0, codePoints(text.trim()) - max);
}

interface TooLongProps {
  /** For the field's `aria-describedby`. */
  id: string;
  excess: number;
  max: number;
}

/** What is read out by itself is the limit, once, and not a new number with every letter that goes. */
export function TooLong({ id, excess, max }: TooLongProps) {
  const texts = useTexts();
  const isThere = excess > 0;
  useLayoutEffect(() => {
    // On a small screen it would push what is being written out of sight.
    if (isThere) document.activeElement?.scrollIntoView({ block: "nearest" });
  }, [isThere]);
  if (!isThere) return null;
  return (
    <p class="alert" id={id}>
      <span role="alert">{texts.tooLong(max)}</span> {texts.tooMany(excess)}
    </p>
  );
}
