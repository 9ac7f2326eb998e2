import type { Ref } from "preact";
import { NAME_MAX } from "../../../services/texts/lengths.ts";
import { useTexts } from "../context.ts";
import { Field } from "./field.tsx";
import { excessOf, TooLong } from "./too_long.tsx";

interface NameFieldProps {
  name: string;
  setName: (name: string) => void;
  field: Ref<HTMLInputElement>;
}

/** My name for somebody. */
export function NameField({ name, setName, field }: NameFieldProps) {
  const texts = useTexts();
  const excess = excessOfName(name);
  return (
    <Field id="name" label={texts.add.nameLabel} hint={texts.add.nameHint}>
      <TooLong id="name-excess" excess={excess} max={NAME_MAX} />
      <input
        id="name"
        autocomplete="off"
        dir="auto"
        ref={field}
        value={name}
        aria-invalid={excess > 0}
        aria-describedby={excess > 0 ? "name-excess name-hint" : "name-hint"}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
      />
    </Field>
  );
}

export function excessOfName(name: string): number {
  return excessOf(name.normalize("NFC"), NAME_MAX);
}
