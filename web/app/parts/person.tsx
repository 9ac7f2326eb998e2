import { type Contact } from "../../client.ts";
import { nameOf } from "../context.ts";

const COLOURS = 6;

/**
 * A disc with the first letter of the name or the last digits of the number. Its colour depends on the number
 * alone.
 */
export function Face({ contact, phone }: { contact: Contact | null; phone: string }) {
  const name = contact?.display_name;
  const colour = [...phone].reduce((sum, digit) => sum + digit.charCodeAt(0) * 7, 0) % COLOURS;
  return (
    <span class={`face face-${colour} ${name ? "" : "of-number"}`} aria-hidden="true">
      {name ? [...name][0]!.toUpperCase() : phone.slice(-2)}
    </span>
  );
}

/** A name or a number; a number is always written from left to right. */
export function Name({ contact, phone }: { contact: Contact | null; phone: string }) {
  return contact?.display_name ? <bdi>{nameOf(contact, phone)}</bdi> : <bdi dir="ltr">{phone}</bdi>;
}
