import type { Ref } from "preact";
import { Field } from "./field.tsx";
import { TooLong } from "./too_long.tsx";

interface LineFieldProps {
  id: string;
  label: string;
  hint?: string;
  max: number;
  /** By how many characters the value is too long. */
  excess: number;
  value: string;
  setValue: (value: string) => void;
  field: Ref<HTMLInputElement>;
}

/** A single-line field that never cuts what was typed. */
export function LineField({ id, label, hint, max, excess, value, setValue, field }: LineFieldProps) {
  const described = [...(excess > 0 ? [`${id}-excess`] : []), ...(hint ? [`${id}-hint`] : [])];
  return (
    <Field id={id} label={label} {...(hint ? { hint } : {})}>
      <TooLong id={`${id}-excess`} excess={excess} max={max} />
      <input
        id={id}
        autocomplete="off"
        dir="auto"
        ref={field}
        value={value}
        aria-invalid={excess > 0}
        aria-describedby={described.join(" ") || undefined}
        onInput={({ currentTarget }) => setValue(currentTarget.value)}
      />
    </Field>
  );
}
