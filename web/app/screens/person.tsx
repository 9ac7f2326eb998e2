// A contact: their name, and the actions that their status allows.

import { useRef, useState } from "preact/hooks";
import type { Contact } from "../../client.ts";
import { nameOf, useAction, useApp, useContact, useGuard, useTexts } from "../context.ts";
import { Alert } from "../parts/field.tsx";
import { useFocus } from "../parts/focus.ts";
import { excessOfName, NameField } from "../parts/name_field.tsx";
import { Face, Name } from "../parts/person.tsx";
import { Screen } from "../parts/screen.tsx";

export function Person({ phone }: { phone: string }) {
  const texts = useTexts();
  const contact = useContact(phone);
  const [trouble, setTrouble] = useState<string | null>(null);
  return (
    <Screen title={texts.person.title}>
      <div class="card-person">
        <Face contact={contact} phone={phone} />
        <p class="lead">
          <Name contact={contact} phone={phone} />
        </p>
        {contact?.display_name && (
          <p class="hint">
            <bdi dir="ltr">{phone}</bdi>
          </p>
        )}
        {contact && <p>{texts.standing[contact.status]}</p>}
      </div>
      <Alert>{trouble}</Alert>
      {contact && <Choices contact={contact} setTrouble={setTrouble} />}
      {contact && <Rename contact={contact} setTrouble={setTrouble} />}
    </Screen>
  );
}

interface PartProps {
  contact: Contact;
  setTrouble: (sentence: string | null) => void;
}

function Choices({ contact, setTrouble }: PartProps) {
  const { client, sync, router } = useApp();
  const texts = useTexts();
  const { isBusy, act } = useAction(setTrouble);
  const [isAsked, setAsked] = useState(false);
  const cancel = useFocus<HTMLButtonElement>(isAsked);
  useGuard(isAsked, () => setAsked(false));
  const { phone_number: phone, status } = contact;
  const change = (call: (phone: string) => Promise<{ contacts: Contact[] }>, then?: () => void) =>
    act(async () => {
      await sync.change(() => call(phone));
      setAsked(false);
      then?.();
    });
  const write = () => router.go({ at: "thread", phone }, { replace: true });
  if (isAsked) {
    return (
      <div class="ask" role="group" aria-labelledby="ask">
        <p id="ask">{texts.person.removeAsk(nameOf(contact, phone))}</p>
        <button type="button" class="danger" aria-disabled={isBusy} onClick={() => change(client.remove)}>
          {texts.person.remove}
        </button>
        <button type="button" class="second" ref={cancel} onClick={() => setAsked(false)}>
          {texts.keys.cancel}
        </button>
      </div>
    );
  }
  return (
    <div class="choices">
      {status === "requested" && (
        <>
          <button
            type="button"
            class="primary"
            data-first
            aria-disabled={isBusy}
            onClick={() => change(client.accept, write)}
          >
            {texts.person.accept}
          </button>
          <button
            type="button"
            class="second"
            aria-disabled={isBusy}
            onClick={() => change(client.remove, router.back)}
          >
            {texts.person.decline}
          </button>
        </>
      )}
      {status === "requesting" && (
        <button
          type="button"
          class="second"
          aria-disabled={isBusy}
          onClick={() => change(client.remove, router.back)}
        >
          {texts.person.takeBack}
        </button>
      )}
      {status === "deleted" && (
        <button
          type="button"
          class="primary"
          aria-disabled={isBusy}
          onClick={() => change(client.request)}
        >
          {texts.person.resume}
        </button>
      )}
      {status === "accepted" && (
        <button type="button" class="primary" onClick={write}>{texts.person.write}</button>
      )}
      {(status === "accepted" || status === "blocked") && (
        <button
          type="button"
          class="second"
          onClick={() => setAsked(true)}
        >
          {texts.person.remove}
        </button>
      )}
    </div>
  );
}

function Rename({ contact, setTrouble }: PartProps) {
  const { client, sync, store } = useApp();
  const texts = useTexts();
  const { isBusy, act } = useAction(setTrouble);
  /** What was typed since the last save, whatever the name becomes meanwhile. */
  const [typed, setTyped] = useState<string | null>(null);
  const name = typed ?? contact.display_name;
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    if (excessOfName(name) > 0) return field.current!.focus();
    act(async () => {
      await sync.change(() => client.rename(contact.phone_number, name.trim()));
      setTyped((now) => now === name ? null : now);
      store.set({ toast: { text: texts.person.saved, isError: false } });
    });
  };
  return (
    <form class="apart" data-enter={texts.keys.save} onSubmit={submit}>
      <NameField name={name} setName={setTyped} field={field} />
      <button type="submit" class="second" aria-disabled={isBusy}>{texts.keys.save}</button>
    </form>
  );
}
