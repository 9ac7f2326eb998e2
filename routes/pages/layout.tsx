import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { Language } from "../../services/texts/language.ts";
import type { PageTexts } from "../../services/texts/pages.ts";
import { STYLE } from "./style.ts";

/** The language, the texts and the form tokens that every part of a page uses. */
export interface Speech {
  language: Language;
  texts: PageTexts;
  /** Makes the form token of a step. */
  formToken: (step: string) => string;
}

/** The document around every page. Neither the title nor the link preview contains a phone number. */
export function Layout({ speech, title, children }: { speech: Speech; title: string; children: Child }) {
  const { preview } = speech.texts;
  return (
    <html lang={speech.language} dir="ltr">
      <head>
        <meta charset="utf-8" />
        <title>{`${title} - PuffinTalk`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex, nofollow" />
        <meta name="referrer" content="no-referrer" />
        <meta name="description" content={preview.description} />
        <meta property="og:title" content={preview.title} />
        <meta property="og:description" content={preview.description} />
        <meta property="og:site_name" content="PuffinTalk" />
        <meta property="og:type" content="website" />
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <header>PuffinTalk</header>
        <main>{children}</main>
      </body>
    </html>
  );
}

/** A form that posts a step to the page's own address, which therefore need not be written into it. */
export function StepForm(
  { speech, step, hidden = {}, children }: {
    speech: Speech;
    step: string;
    hidden?: Record<string, string>;
    children: Child;
  },
) {
  const fields = { step, form: speech.formToken(step), ...hidden };
  return (
    <form method="post">
      {Object.entries(fields).map(([name, value]) => <Hidden key={name} name={name} value={value} />)}
      {children}
    </form>
  );
}

function Hidden({ name, value }: { name: string; value: string }) {
  return <input type="hidden" name={name} value={value} />;
}

/** An error message, which screen readers announce at once. */
export function Alert({ children }: { children: Child }) {
  return <p class="alert" role="alert">{children}</p>;
}
