// How long what people write may be, in code points: an emoji counts once, as it does in PostgreSQL, and not twice, as
// it does in JavaScript.

/** Of a message, and of the words that go with a film. */
export const TEXT_MAX = 4096;
/** Of my name for somebody, in NFC. */
export const NAME_MAX = 50;

export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
