// Limits for texts that people write, in code points: an emoji counts once, as in PostgreSQL, and not twice, as in
// JavaScript.

/** For a message, and for the caption of a video or audio message. */
export const TEXT_MAX = 4096;
/** For my name for somebody, in NFC. */
export const NAME_MAX = 50;

export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
