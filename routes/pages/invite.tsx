// The views of an invitation's page. Each works without a script and with keys alone.

import type { Invitation, Purpose } from "../../services/invitees.ts";
import { maskPhoneNumber, type PhoneNumber } from "../../services/phone_number.ts";
import type { PageError, PageTexts } from "../../services/texts/pages.ts";
import { waitText } from "../../services/texts/waits.ts";
import { WEB_PATH } from "../web.ts";
import { Alert, Layout, type Speech, StepForm } from "./layout.tsx";

/** The error to show, and after how many seconds a retry makes sense. */
export interface Trouble {
  error: PageError;
  retryAfter?: number;
}

/** What the web client needs to continue with the session. */
export interface Handover {
  session: string;
  phone: PhoneNumber;
}

export type View =
  | { at: "start"; invitation: Invitation; trouble?: Trouble }
  | {
    at: "passcode";
    phone: PhoneNumber;
    /** Whether the number was typed on the page. If so, every form has to carry it. */
    typed: boolean;
    purpose: Purpose;
    resendIn?: number;
    undelivered?: boolean;
    trouble?: Trouble;
  }
  | { at: "request"; inviter: PhoneNumber; session: string }
  | { at: "done"; outcome: keyof PageTexts["outcomes"]; handover?: Handover }
  | { at: "never" }
  | { at: "error"; trouble: Trouble };

type Of<At extends View["at"]> = Extract<View, { at: At }> & { speech: Speech };

/**
 * Renders a view as a whole document. @param next where people continue: a path of this service, or another
 * URL
 */
export function renderPage(view: View, speech: Speech, next: string) {
  return (
    <Layout speech={speech} title={speech.texts.titles[view.at]}>
      {content(view, speech, next)}
    </Layout>
  );
}

/** Whether the page has a script: the one that hands its session to the web client. */
export function handsOver(view: View, next: string): boolean {
  return view.at === "done" && view.handover !== undefined && next === WEB_PATH;
}

function content(view: View, speech: Speech, next: string) {
  switch (view.at) {
    case "start":
      return <Start {...view} speech={speech} />;
    case "passcode":
      return <Passcode {...view} speech={speech} />;
    case "request":
      return <Request {...view} speech={speech} />;
    case "done":
      return <Done {...view} speech={speech} next={next} hasScript={handsOver(view, next)} />;
    case "never":
      return <Message heading={speech.texts.titles.never} text={speech.texts.neverDone} speech={speech} />;
    case "error":
      return <Failed {...view} speech={speech} />;
  }
}

function Start({ invitation: { state, people }, trouble, speech }: Of<"start">) {
  const { texts } = speech;
  const heading = people && state !== "unknown" ? texts.invites(people.inviter) : texts.preview.title;
  return (
    <>
      <h1>{heading}</h1>
      <Said trouble={trouble} speech={speech} />
      {state === "open" ? null : <p class="notice">{texts.notices[state]}</p>}
      <p>{texts.about}</p>
      <StepForm speech={speech} step="send">
        {people
          ? (
            <p>
              {texts.yourNumber} <bdi>{maskPhoneNumber(people.invitee)}</bdi>
            </p>
          )
          : <NumberField texts={texts} invalid={trouble?.error === "invalid_phone_number"} />}
        <button type="submit">{texts.sendCode}</button>
      </StepForm>
      {people && (
        <div class="apart">
          <StepForm speech={speech} step="never">
            <button type="submit" class="second" aria-describedby="never-about">{texts.never}</button>
          </StepForm>
          <p id="never-about" class="soft">{texts.neverAbout}</p>
        </div>
      )}
    </>
  );
}

function NumberField({ texts, invalid }: { texts: PageTexts; invalid: boolean }) {
  return (
    <>
      <label for="phone_number">{texts.numberLabel}</label>
      <span id="number-hint" class="soft">{texts.numberHint}</span>
      <input
        id="phone_number"
        name="phone_number"
        type="tel"
        autocomplete="tel"
        required
        maxlength={64}
        aria-describedby="number-hint"
        aria-invalid={invalid ? "true" : "false"}
      />
    </>
  );
}

function Passcode({ phone, typed, purpose, resendIn, undelivered, trouble, speech }: Of<"passcode">) {
  const { texts } = speech;
  const number = typed ? { phone_number: phone } : {};
  return (
    <>
      <h1>{texts.titles.passcode}</h1>
      {trouble ? <Said trouble={trouble} speech={speech} /> : <p>{texts.codeSent(maskPhoneNumber(phone))}</p>}
      {undelivered && <p class="notice">{texts.undelivered}</p>}
      <StepForm speech={speech} step="verify" hidden={{ purpose, ...number }}>
        <label for="passcode">{texts.codeLabel}</label>
        <span id="code-hint" class="soft">{texts.codeHint}</span>
        <input
          id="passcode"
          name="passcode"
          type="text"
          inputmode="numeric"
          pattern="[0-9]{3}[ ]?[0-9]{3}"
          title={texts.codeHint}
          autocomplete="one-time-code"
          maxlength={7}
          required
          autofocus
          aria-describedby="code-hint"
          aria-invalid={trouble?.error === "invalid_passcode" ? "true" : "false"}
        />
        <button type="submit">{purpose === "signup" ? texts.signUp : texts.signIn}</button>
      </StepForm>
      <div class="apart">
        {resendIn !== undefined && <p class="soft">{texts.resendIn(waitText(texts, resendIn))}</p>}
        <StepForm speech={speech} step="send" hidden={number}>
          <button type="submit" class="second">{texts.resend}</button>
        </StepForm>
      </div>
    </>
  );
}

/**
 * Where a browser has access keys, as keypad phones do, 1 and 2 answer the request. The first button has the
 * focus anyway.
 */
function Request({ inviter, session, speech }: Of<"request">) {
  const { texts } = speech;
  return (
    <>
      <h1>{texts.titles.request}</h1>
      <p>{texts.asks(inviter)}</p>
      <StepForm speech={speech} step="accept" hidden={{ session }}>
        <button type="submit" accesskey="1" autofocus>
          <kbd aria-hidden="true">1</kbd> {texts.accept}
        </button>
      </StepForm>
      <StepForm speech={speech} step="decline" hidden={{ session }}>
        <button type="submit" accesskey="2" class="second">
          <kbd aria-hidden="true">2</kbd> {texts.decline}
        </button>
      </StepForm>
    </>
  );
}

function Done(
  { outcome, handover, next, hasScript, speech }: Of<"done"> & { next: string; hasScript: boolean },
) {
  const { texts } = speech;
  return (
    <>
      <h1>{texts.titles.done}</h1>
      <p role="status">{texts.outcomes[outcome]}</p>
      <p data-by-hand>{texts.next}</p>
      {hasScript
        ? (
          <>
            <a class="button" href={next} data-session={handover!.session} data-phone={handover!.phone}>
              {texts.goOn}
            </a>
            <script type="module" src="/app/handover.js"></script>
          </>
        )
        : <a class="button" href={next}>{texts.goOn}</a>}
    </>
  );
}

function Failed({ trouble, speech }: Of<"error">) {
  return (
    <>
      <h1>{speech.texts.titles.error}</h1>
      <Said trouble={trouble} speech={speech} />
      <form method="get">
        <button type="submit">{speech.texts.startAgain}</button>
      </form>
    </>
  );
}

function Message({ heading, text, speech }: { heading: string; text: string; speech: Speech }) {
  return (
    <>
      <h1>{heading}</h1>
      <p role="status">{text}</p>
      <form method="get">
        <button type="submit" class="second">{speech.texts.backToStart}</button>
      </form>
    </>
  );
}

function Said({ trouble, speech: { texts } }: { trouble: Trouble | undefined; speech: Speech }) {
  if (!trouble) return null;
  const { error, retryAfter } = trouble;
  return (
    <Alert>
      {texts.errors[error]}
      {/* A wait of one second is meant for programs that retry too eagerly; people are slower anyway. */}
      {retryAfter !== undefined && retryAfter > 1 && ` ${texts.tryIn(waitText(texts, retryAfter))}`}
    </Alert>
  );
}
