// Checks of stored data. It may be damaged or come from another version of the client: whatever does not have
// the expected form is treated as missing.

/** Whether the value is an object with a string under each of these names. */
export function hasTexts(value: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === "string");
}

/** The rows of a list that have a string under each of these names; empty if it is no list. */
export function rowsWith<Row>(value: unknown, names: readonly (keyof Row & string)[]): Row[] {
  return Array.isArray(value) ? value.filter((row) => hasTexts(row, names)) : [];
}
