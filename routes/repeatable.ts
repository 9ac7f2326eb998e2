/**
 * Bodies that are answered again and again: to write a page of a hundred messages costs more than to find that it is still
 * the same.
 */
export interface Repeatables {
  /**
   * Makes the body of each of these things once, for as long as the thing is kept. It is kept as text from the second time
   * on: most pages are asked for once.
   */
  of<Thing extends object, Body extends object>(toBody: (thing: Thing) => Body): (thing: Thing) => Body;
  /** The JSON of a body that was made before; undefined of any other. */
  textOf(body: unknown): string | undefined;
}

export function createRepeatables(): Repeatables {
  const texts = new WeakMap<object, string>();
  return {
    of<Thing extends object, Body extends object>(toBody: (thing: Thing) => Body) {
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
