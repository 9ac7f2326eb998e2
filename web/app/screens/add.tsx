import { useRef, useState } from "preact/hooks";
import { parsePhoneNumber, parseTypedNumber } from "../../../services/texts/e164.ts";
import { useAction, useApp, useTexts } from "../context.ts";
import { Alert, Field } from "../parts/field.tsx";
import { excessOfName, NameField } from "../parts/name_field.tsx";
import { Screen } from "../parts/screen.tsx";

/**
 * Sends a friend request; under INVITE_MODE=device also offers the invitation to send as an SMS. @param known
 * the number to begin with, or ""
 */
export function Add({ known }: { known: string }) {
  const { client, sync, router, store } = useApp();
  const texts = useTexts();
  const [trouble, setTrouble] = useState<string | null>(null);
  const [phone, setPhone] = useState(known);
  const [name, setName] = useState("");
  const nameField = useRef<HTMLInputElement>(null);
  const [invite, setInvite] = useState<{ sms_uri: string; url: string } | null>(null);
  const { isBusy, act } = useAction(setTrouble);
  const submit = (event: Event) => {
    event.preventDefault();
    if (excessOfName(name) > 0) return nameField.current!.focus();
    const number = parseTypedNumber(phone);
    if (number === null) return setTrouble(texts.errors.invalid_phone_number);
    act(async () => {
      const answer = await sync.change(() =>
        client.request(number, name.trim() === "" ? undefined : name.trim())
      );
      if (answer.invite) return setInvite(answer.invite);
      const asked = answer.contacts.find(({ phone_number }) => parsePhoneNumber(phone_number) === number);
      // A peer who had already asked is a friend now.
      const text = asked?.status === "accepted" ? texts.standing.accepted : texts.add.asked;
      store.set({ toast: { text, isError: false } });
      router.back();
    });
  };
  if (invite) {
    return (
      <Screen title={texts.add.title}>
        <p>{texts.add.invite}</p>
        <a class="primary" href={invite.sms_uri}>{texts.add.bySms}</a>
        <p class="hint">
          <bdi dir="ltr">{invite.url}</bdi>
        </p>
        <button type="button" class="second" onClick={router.back}>{texts.keys.done}</button>
      </Screen>
    );
  }
  return (
    <Screen title={texts.add.title}>
      <form data-enter={texts.keys.go} onSubmit={submit}>
        <Alert>{trouble}</Alert>
        <Field id="peer" label={texts.add.numberLabel} hint={texts.numberHint}>
          <input
            id="peer"
            type="tel"
            autocomplete="off"
            dir="ltr"
            required
            data-first
            value={phone}
            aria-describedby="peer-hint"
            onInput={({ currentTarget }) => setPhone(currentTarget.value)}
          />
        </Field>
        <NameField name={name} setName={setName} field={nameField} />
        <button type="submit" class="primary" aria-disabled={isBusy}>{texts.add.ask}</button>
      </form>
      <button type="button" class="second" onClick={() => router.go({ at: "invites" })}>
        {texts.invites.title}
      </button>
    </Screen>
  );
}
