// What a browser kept for long may be damaged, or by another version: what is not as it should be is not there.

/** Whether it is an object with a text under each of these names. */
export function hasTexts(value: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === "string");
}

/** Those rows of a list that have a text under each of these names. */
export function rowsWith<Row>(value: unknown, names: readonly (keyof Row & string)[]): Row[] {
  return Array.isArray(value) ? value.filter((row) => hasTexts(row, names)) : [];
}
