// The first screen: all contacts, grouped by status.

import type { Contact } from "../../client.ts";
import { useApp, useModel, useTexts, useToday } from "../context.ts";
import { memo } from "../memo.ts";
import { useStore } from "../model.ts";
import { Icon, Mark } from "../parts/icons.tsx";
import { Face, Name } from "../parts/person.tsx";
import { Screen } from "../parts/screen.tsx";
import { dayOrTime } from "../parts/time.ts";

const SECTIONS = {
  requested: ["requested"],
  accepted: ["accepted", "blocked"],
  waiting: ["requesting"],
  deleted: ["deleted"],
} as const;

export function Chats({ selected }: { selected: string | null }) {
  const { router } = useApp();
  const texts = useTexts();
  const contacts = useModel((model) => model.contacts);
  const today = useToday();
  const cameFrom = useStore(router.store, ({ before }) => before && "phone" in before ? before.phone : null);
  const brand = (
    <span class="brand">
      <Mark /> PuffinTalk
    </span>
  );
  return (
    <Screen
      title={texts.chats.title}
      heading={brand}
      hasBack={false}
      isFilled={contacts !== null}
      class="chats"
      left={{
        label: texts.keys.add,
        name: texts.add.title,
        icon: "add",
        onPress: () => router.go({ at: "add" }),
      }}
      right={{
        label: texts.keys.settings,
        name: texts.settings.title,
        icon: "settings",
        onPress: () => router.go({ at: "settings" }),
      }}
    >
      {contacts?.length === 0 && <Nobody />}
      {Object.entries(SECTIONS).map(([name, statuses]) => (
        <Section
          key={name}
          title={texts.chats.sections[name as keyof typeof SECTIONS]}
          contacts={contacts?.filter(({ status }) => (statuses as readonly string[]).includes(status)) ?? []}
          selected={selected}
          cameFrom={cameFrom}
          today={today}
        />
      ))}
    </Screen>
  );
}

function Nobody() {
  const { router } = useApp();
  const texts = useTexts();
  return (
    <div class="empty">
      <Mark />
      <p class="lead">{texts.chats.none}</p>
      <p>{texts.chats.noneAbout}</p>
      <button type="button" class="primary" data-first onClick={() => router.go({ at: "add" })}>
        <Icon name="add" /> {texts.add.title}
      </button>
    </div>
  );
}

function Section(
  { title, contacts, selected, cameFrom, today }: {
    title: string;
    contacts: Contact[];
    /** The number that is shown beside the list. */
    selected: string | null;
    /** The number whose screen was shown before the list. */
    cameFrom: string | null;
    today: string;
  },
) {
  if (contacts.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {contacts.map((contact) => (
          <Row
            key={contact.phone_number}
            contact={contact}
            isSelected={contact.phone_number === selected}
            isFirst={contact.phone_number === cameFrom}
            today={today}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  contact: Contact;
  isSelected: boolean;
  /** Whether this row gets the focus first: on return, the one that was open before. */
  isFirst: boolean;
  /** Redraws the row when the day changes, because its time is shown differently then. */
  today: string;
}

const Row = memo(({ contact, isSelected, isFirst }: RowProps) => {
  const { router, settings } = useApp();
  const texts = useTexts();
  const language = useStore(settings, (chosen) => chosen.language);
  const { phone_number: phone, status, unread_messages: unread } = contact;
  const about = status === "accepted" || status === "deleted" ? "" : texts.standing[status];
  const at = status === "requested" ? "person" : "thread";
  return (
    <li>
      <button
        type="button"
        class={isSelected ? "row selected" : "row"}
        aria-current={isSelected ? "true" : undefined}
        data-enter={texts.keys.open}
        data-first={isFirst || undefined}
        onClick={() => router.go({ at, phone })}
      >
        <Face contact={contact} phone={phone} />
        <span class="row-text">
          <span class="row-name">
            <Name contact={contact} phone={phone} />
          </span>
          {(about || contact.display_name) && (
            <span class="row-about">{about || <bdi dir="ltr">{phone}</bdi>}</span>
          )}
        </span>
        <span class="row-end">
          <time dateTime={contact.last_touch_at}>{dayOrTime(contact.last_touch_at, language)}</time>
          {unread > 0 && <span class="badge" aria-label={texts.chats.unread(unread)}>{unread}</span>}
        </span>
      </button>
    </li>
  );
});
