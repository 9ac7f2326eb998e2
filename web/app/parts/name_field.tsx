import type { Ref } from "preact";
import { NAME_MAX } from "../../../services/texts/lengths.ts";
import { useTexts } from "../context.ts";
import { LineField } from "./line_field.tsx";
import { excessOf } from "./too_long.tsx";

interface NameFieldProps {
  name: string;
  setName: (name: string) => void;
  field: Ref<HTMLInputElement>;
}

/** The field for one's own name of a contact. */
export function NameField({ name, setName, field }: NameFieldProps) {
  const { nameLabel, nameHint } = useTexts().add;
  return (
    <LineField
      id="name"
      label={nameLabel}
      hint={nameHint}
      max={NAME_MAX}
      excess={excessOfName(name)}
      value={name}
      setValue={setName}
      field={field}
    />
  );
}

export function excessOfName(name: string): number {
  return excessOf(name.normalize("NFC"), NAME_MAX);
}
