// Bodies that are answered again and again: to write a page of a hundred messages costs more than to find that it is
// still the same.

const texts = new WeakMap<object, string>();

/**
 * Makes the body of each of these things once, for as long as the thing is kept. It is kept as text from the second time
 * on: most pages are asked for once.
 */
export function repeatable<Thing extends object, Body extends object>(
  toBody: (thing: Thing) => Body,
): (thing: Thing) => Body {
  const bodies = new WeakMap<Thing, Body>();
  return (thing) => {
    const known = bodies.get(thing);
    if (known) {
      if (!texts.has(known)) texts.set(known, JSON.stringify(known));
      return known;
    }
    const body = toBody(thing);
    bodies.set(thing, body);
    return body;
  };
}

/** The JSON of a body that was made to be repeated; undefined of one that was not yet. */
export function writtenOut(body: unknown): string | undefined {
  return typeof body === "object" && body !== null ? texts.get(body) : undefined;
}
