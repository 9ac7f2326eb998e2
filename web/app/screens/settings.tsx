// Settings, and the devices that are signed in.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { CLIENT_TEXTS } from "../../../services/texts/client.ts";
import type { Device } from "../../client.ts";
import { useAction, useApp, useGuard, useModel, useTexts, useToday } from "../context.ts";
import { useStore } from "../model.ts";
import { Alert } from "../parts/field.tsx";
import { useFocus } from "../parts/focus.ts";
import { Screen } from "../parts/screen.tsx";
import { dayOrTime } from "../parts/time.ts";
import { COLOURS, LANGUAGES } from "../settings.ts";

export function SettingsScreen() {
  const { client, router, settings } = useApp();
  const texts = useTexts();
  const session = useModel((model) => model.session);
  const { language, colours } = useStore(settings, (chosen) => chosen);
  return (
    <Screen title={texts.settings.title}>
      <p class="hint">
        {texts.settings.number}: <bdi dir="ltr">{session?.phone_number}</bdi>
      </p>
      <Choice title={texts.settings.language}>
        {LANGUAGES.map((one) => (
          <Option
            key={one}
            isChosen={one === language}
            lang={one}
            onChoose={() => settings.set({ language: one })}
          >
            {CLIENT_TEXTS[one].language}
          </Option>
        ))}
      </Choice>
      <Choice title={texts.settings.colours}>
        {COLOURS.map((one) => (
          <Option
            key={one}
            isChosen={one === colours}
            onChoose={() => settings.set({ colours: one })}
          >
            {texts.settings[one]}
          </Option>
        ))}
      </Choice>
      <NoticesChoice />
      <button type="button" class="second" onClick={() => router.go({ at: "devices" })}>
        {texts.settings.devices}
      </button>
      <Leaving title={texts.settings.signOut} question={texts.settings.signOutAsk} leave={client.signOut} />
      <Leaving
        title={texts.settings.deleteAccount}
        question={texts.settings.deleteAsk}
        leave={client.deleteAccount}
      />
    </Screen>
  );
}

function NoticesChoice() {
  const { notices, settings } = useApp();
  const texts = useTexts();
  // Redraws when the setting changes; whether it is on depends on the browser's permission too.
  useStore(settings, (chosen) => chosen.notices);
  const [trouble, setTrouble] = useState<string | null>(null);
  const isWoken = useStore(notices.reach, (reach) => reach.isWoken);
  const { act } = useAction(setTrouble);
  const turnOn = () =>
    act(async () => {
      if (!await notices.turnOn()) setTrouble(texts.settings.noticesDenied);
    });
  if (!notices.isThere) return null;
  return (
    <Choice title={texts.settings.notices}>
      <Option isChosen={notices.isOn()} onChoose={turnOn}>{texts.settings.on}</Option>
      <Option isChosen={!notices.isOn()} onChoose={() => act(notices.turnOff)}>{texts.settings.off}</Option>
      {notices.isOn() && isWoken !== null && (
        <p class="hint" role="status">
          {isWoken ? texts.settings.noticesAlways : texts.settings.noticesOpen}
        </p>
      )}
      <Alert>{trouble}</Alert>
    </Choice>
  );
}

function Choice({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <fieldset>
      <legend>{title}</legend>
      <div class="options">{children}</div>
    </fieldset>
  );
}

function Option(
  { isChosen, onChoose, lang, children }: {
    isChosen: boolean;
    onChoose: () => void;
    lang?: string;
    children: ComponentChildren;
  },
) {
  return (
    <button type="button" class="option" aria-pressed={isChosen} lang={lang} onClick={onChoose}>
      {children}
    </button>
  );
}

/** A button that asks for confirmation. */
function Leaving(
  { title, question, leave }: { title: string; question: string; leave: () => Promise<void> },
) {
  const texts = useTexts();
  const { isBusy, act } = useAction();
  const [isAsked, setAsked] = useState(false);
  const cancel = useFocus<HTMLButtonElement>(isAsked);
  const id = useId();
  useGuard(isAsked, () => setAsked(false));
  if (!isAsked) {
    return <button type="button" class="second" onClick={() => setAsked(true)}>{title}</button>;
  }
  return (
    <div class="ask" role="group" aria-labelledby={id}>
      <p id={id}>{question}</p>
      <button type="button" class="danger" aria-disabled={isBusy} onClick={() => act(leave)}>{title}</button>
      <button type="button" class="second" ref={cancel} onClick={() => setAsked(false)}>
        {texts.keys.cancel}
      </button>
    </div>
  );
}

export function Devices() {
  const { client, settings } = useApp();
  const texts = useTexts();
  const language = useStore(settings, (chosen) => chosen.language);
  useToday();
  const [devices, setDevices] = useState<Device[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const { isBusy, act } = useAction(setTrouble);
  const isOnline = useModel(({ connection }) => connection === "online");
  const load = async () => setDevices(await client.devices());
  useEffect(() => {
    if (isOnline || devices.length === 0) act(load);
  }, [isOnline]);
  useEffect(() =>
    client.live.onNotice(({ event }) => {
      // If it cannot be loaded, the current list stays.
      if (event === "sessions_updated") load().catch(() => {});
    }), []);
  // Reloaded also after an error: the session may already have been ended elsewhere.
  const end = (id: string) => act(() => client.endDevice(id).finally(load));
  return (
    <Screen title={texts.settings.devices} isFilled={devices.length > 0}>
      <Alert>{trouble}</Alert>
      <ul class="cards">
        {devices.map(({ id, device, last_seen_at, current }) => (
          <li key={id} tabIndex={-1} data-stop>
            <p class="card-top">{device}</p>
            <p class="hint">
              {current
                ? texts.settings.thisDevice
                : texts.settings.lastSeen(dayOrTime(last_seen_at, language))}
            </p>
            {!current && (
              <button type="button" class="second" aria-disabled={isBusy} onClick={() => end(id)}>
                {texts.settings.endDevice}
              </button>
            )}
          </li>
        ))}
      </ul>
    </Screen>
  );
}
