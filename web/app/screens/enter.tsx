// Sign-up and sign-in: the number, then the passcode. A passcode that was asked for is remembered, because a
// small phone unloads the browser while its owner reads the SMS.

import { useEffect, useState } from "preact/hooks";
import { parseTypedNumber } from "../../../services/texts/e164.ts";
import { waitText } from "../../../services/texts/waits.ts";
import type { Purpose } from "../../client.ts";
import { own } from "../../client/storage.ts";
import { hasTexts } from "../../client/stored_data.ts";
import { useAction, useApp, useGuard, useModel, useTexts } from "../context.ts";
import { deviceName } from "../device_name.ts";
import { Alert, Field } from "../parts/field.tsx";
import { useFocus } from "../parts/focus.ts";
import { Mark } from "../parts/icons.tsx";

/** A passcode that was asked for. */
interface Pending {
  phone: string;
  purpose: Purpose;
  /** In milliseconds since 1970. */
  resendAt: number;
  isUndelivered: boolean;
}

const KEY = "puffintalk.pending";
const CODE_LENGTH = 6;

export function Enter() {
  const [pending, setPending] = useState(readPending);
  const keep = (next: Pending | null) => {
    own.write(KEY, next);
    setPending(next);
  };
  return (
    <div class="screen enter" data-scope>
      <div class="body" data-scroll>
        <p class="brand">
          <Mark /> PuffinTalk
        </p>
        {pending ? <Code pending={pending} keep={keep} /> : <Phone keep={keep} />}
      </div>
    </div>
  );
}

function readPending(): Pending | null {
  const kept = own.read<Pending>(KEY);
  const isWhole = hasTexts(kept, ["phone", "purpose"]) && Number.isFinite(kept!.resendAt);
  return isWhole ? kept : null;
}

function Phone({ keep }: { keep: (pending: Pending) => void }) {
  const { client } = useApp();
  const texts = useTexts();
  const ending = useModel((model) => model.ending);
  const [trouble, setTrouble] = useState<string | null>(null);
  const { isBusy, act } = useAction(setTrouble);
  const [phone, setPhone] = useState("");
  const first = useFocus<HTMLInputElement>();
  const submit = (event: Event) => {
    event.preventDefault();
    // Normalized as the service does it, so that the user sees which number is meant.
    const number = parseTypedNumber(phone);
    if (number === null) return setTrouble(texts.errors.invalid_phone_number);
    act(async () => keep({ phone: number, ...timed(await client.askForCode(number)) }));
  };
  return (
    <form onSubmit={submit}>
      <h1 class="lead">{texts.about}</h1>
      {ending !== null && ending !== "signed_out" && <p class="notice" role="status">{texts[ending]}</p>}
      <Alert>{trouble}</Alert>
      <Field id="phone" label={texts.numberLabel} hint={texts.numberHint}>
        <input
          id="phone"
          type="tel"
          name="tel"
          autocomplete="tel"
          dir="ltr"
          required
          ref={first}
          value={phone}
          aria-describedby="phone-hint"
          onInput={({ currentTarget }) => setPhone(currentTarget.value)}
        />
      </Field>
      <button type="submit" class="primary" aria-disabled={isBusy}>{texts.sendCode}</button>
    </form>
  );
}

function Code({ pending, keep }: { pending: Pending; keep: (pending: Pending | null) => void }) {
  const { client } = useApp();
  const texts = useTexts();
  const { phone, purpose, resendAt, isUndelivered } = pending;
  const [trouble, setTrouble] = useState<string | null>(null);
  const { isBusy, act } = useAction(setTrouble);
  const [code, setCode] = useState("");
  const first = useFocus<HTMLInputElement>();
  const wait = useCountdown(resendAt);
  const enter = (typed: string) => {
    // An incomplete passcode would count as a guess.
    if (typed.length < CODE_LENGTH) return setTrouble(texts.code.short);
    act(async () => {
      await client.enter(purpose, phone, typed, deviceName(navigator.userAgent)).catch((error) => {
        // Selected, so that the next passcode replaces it.
        first.current?.select();
        throw error;
      });
      own.put(KEY, null);
    });
  };
  const other = purpose === "signin" ? "signup" : "signin";
  const turn = async () => keep({ phone, ...timed(await client.ask(other, phone)) });
  const type = (typed: string) => {
    const digits = typed.replaceAll(/\D/g, "").slice(0, CODE_LENGTH);
    setCode(digits);
    // A keystroke without a change is no new guess.
    if (digits.length === CODE_LENGTH && digits !== code) enter(digits);
  };
  useEffect(() => readSms(type), []);
  useGuard(true, () => keep(null));
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          enter(code);
        }}
      >
        <h1>{texts.code.title}</h1>
        <p>{withNumber(texts.code.sent, phone)}</p>
        {isUndelivered && <p class="notice">{texts.code.undelivered}</p>}
        <Alert>{trouble}</Alert>
        <Field id="code" label={texts.code.label} hint={texts.code.hint}>
          <input
            id="code"
            class="code"
            name="code"
            inputmode="numeric"
            autocomplete="one-time-code"
            dir="ltr"
            required
            ref={first}
            value={code}
            aria-describedby="code-hint"
            onInput={({ currentTarget }) => type(currentTarget.value)}
          />
        </Field>
        <button type="submit" class="primary" aria-disabled={isBusy}>{texts.code[purpose]}</button>
      </form>
      {wait > 0 && <p class="hint">{texts.code.resendIn(waitText(texts, wait))}</p>}
      {wait <= 0 && (
        <button
          type="button"
          class="second"
          onClick={() => act(async () => keep({ phone, ...timed(await client.askForCode(phone)) }))}
        >
          {texts.code.resend}
        </button>
      )}
      <button type="button" class="second" onClick={() => keep(null)}>{texts.code.otherNumber}</button>
      <button type="button" class="inline" onClick={() => act(turn)}>{texts.code.instead[other]}</button>
    </>
  );
}

function timed<Sent extends { resend_in: number }>({ resend_in, ...sent }: Sent) {
  return { ...sent, resendAt: Date.now() + resend_in * 1_000 };
}

/**
 * A sentence that contains a number. The number is written from left to right, even in a right-to-left
 * sentence.
 */
function withNumber(sentence: (number: string) => string, phone: string) {
  const [before, after] = sentence("\0").split("\0");
  return (
    <>
      {before}
      <bdi dir="ltr">{phone}</bdi>
      {after}
    </>
  );
}

/** Seconds until that moment. */
function useCountdown(until: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return Math.ceil((until - now) / 1_000);
}

/** Reads the passcode from the SMS if the browser can (WebOTP). */
function readSms(take: (code: string) => void): (() => void) | undefined {
  if (!("OTPCredential" in globalThis)) return;
  const leaving = new AbortController();
  const options = { otp: { transport: ["sms"] }, signal: leaving.signal } as CredentialRequestOptions;
  navigator.credentials.get(options)
    .then((found) => take((found as unknown as { code: string }).code))
    .catch(() => {});
  return () => leaving.abort();
}
