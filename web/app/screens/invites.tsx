// My invitations: numbers without an account, and the state of each.

import { useEffect, useState } from "preact/hooks";
import type { InviteList } from "../../client.ts";
import { sentenceOf, useApp, useModel, useTexts, useToday } from "../context.ts";
import { useStore } from "../model.ts";
import { Alert } from "../parts/field.tsx";
import { Name } from "../parts/person.tsx";
import { Screen } from "../parts/screen.tsx";
import { dayOrTime } from "../parts/time.ts";

export function Invites() {
  const { router, settings } = useApp();
  const texts = useTexts();
  const language = useStore(settings, (chosen) => chosen.language);
  const contacts = useModel((model) => model.contacts);
  useToday();
  const { list, trouble } = useInvites();
  return (
    <Screen title={texts.invites.title} isFilled={list !== null}>
      <Alert>{trouble}</Alert>
      {list?.invites.length === 0 && <p class="empty">{texts.invites.none}</p>}
      {list && list.invites.length > 0 && <p class="hint">{texts.invites.left(list.remaining_today)}</p>}
      <ul class="cards">
        {list?.invites.map(({ phone_number: phone, status, created_at }) => {
          const contact = contacts?.find(({ phone_number }) => phone_number === phone) ?? null;
          return (
            <li key={`${phone} ${created_at}`} {...(contact ? {} : { tabIndex: -1, "data-stop": true })}>
              <p class="card-top">
                <Name contact={contact} phone={phone} />
                <time class="hint" dateTime={created_at}>{dayOrTime(created_at, language)}</time>
              </p>
              <p class={status === "undelivered" ? "failed" : "hint"}>{texts.invites.status[status]}</p>
              {contact && (
                <button
                  type="button"
                  class="second"
                  aria-label={`${texts.person.title}: ${contact.display_name || phone}`}
                  onClick={() => router.go({ at: "person", phone })}
                >
                  {texts.person.title}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </Screen>
  );
}

/**
 * The invitations. Fetched again when somebody joins, which changes the contact list too, and when the
 * service is reachable again.
 */
function useInvites(): { list: InviteList | null; trouble: string | null } {
  const { client } = useApp();
  const texts = useTexts();
  const contacts = useModel((model) => model.contacts);
  const isOnline = useModel(({ connection }) => connection === "online");
  const [list, setList] = useState<InviteList | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    if (!isOnline && list !== null) return;
    let isOver = false;
    const say = (sentence: string | null) => !isOver && setTrouble(sentence);
    client.invites().then((found) => {
      if (!isOver) setList(found);
      say(null);
    }, (error) => say(sentenceOf(texts, error)));
    return () => {
      isOver = true;
    };
  }, [contacts, isOnline]);
  return { list, trouble };
}
