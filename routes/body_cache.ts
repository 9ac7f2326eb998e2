/**
 * Caches answers that are asked for repeatedly: to serialize a page of a hundred messages costs more than to
 * find that it has not changed.
 */
export interface BodyCache {
  /**
   * Wraps `toBody` so that it runs once for each object, for as long as that object is referenced elsewhere.
   * From the second call on the JSON text is kept too; not from the first, because most pages are asked for
   * once.
   */
  memoize<Thing extends object, Body extends object>(toBody: (thing: Thing) => Body): (thing: Thing) => Body;
  /** The cached JSON of a body; undefined if there is none. */
  textOf(body: unknown): string | undefined;
}

export function createBodyCache(): BodyCache {
  const texts = new WeakMap<object, string>();
  return {
    memoize<Thing extends object, Body extends object>(toBody: (thing: Thing) => Body) {
      const bodies = new WeakMap<Thing, Body>();
      return (thing: Thing) => {
        const known = bodies.get(thing);
        const body = known ?? toBody(thing);
        if (known === undefined) bodies.set(thing, body);
        else if (!texts.has(known)) texts.set(known, JSON.stringify(known));
        return body;
      };
    },
    textOf: (body) => typeof body === "object" && body !== null ? texts.get(body) : undefined,
  };
}
