// Drives the page of an invitation as a browser without JavaScript: documents, and forms that are sent as
// they are.

import { equal, ok } from "./assert.ts";
import { type Person, succeeded, type TestApp } from "./support.ts";

export interface Page {
  /** The path of the link. */
  path: string;
  status: number;
  headers: Headers;
  html: string;
  /** The hidden fields of its POST forms, by step. */
  forms: Record<string, Record<string, string>>;
}

export interface Visit {
  headers?: Record<string, string>;
  method?: string;
  body?: BodyInit;
}

export async function visit(t: TestApp, path: string, { headers, method, body }: Visit = {}): Promise<Page> {
  const response = await fetch(t.url + path, {
    headers: { ...headers },
    ...(method ? { method } : {}),
    ...(body === undefined ? {} : { body }),
    redirect: "manual",
  });
  const html = await response.text();
  return { path, status: response.status, headers: response.headers, html, forms: formsOf(html) };
}

/** Submits the form of a step with these values; `undefined` leaves a hidden field out. */
export function submit(
  t: TestApp,
  page: Page,
  step: string,
  typed: Record<string, string | undefined> = {},
  headers: Record<string, string> = {},
): Promise<Page> {
  const hidden = page.forms[step];
  ok(hidden, `There is no form for "${step}" on: ${textOf(page)}`);
  const fields = Object.entries({ ...hidden, ...typed }).filter((field): field is [string, string] =>
    field[1] !== undefined
  );
  return visit(t, page.path, { method: "POST", body: new URLSearchParams(fields), headers });
}

/** Sends a friend request to a number without an account, and returns the link in the SMS. */
export async function inviteLink(t: TestApp, inviter: Person, phone: string): Promise<string> {
  succeeded(
    await t.call("PUT", "/api/contacts/request", { token: inviter.token, json: { phone_number: phone } }),
  );
  const sms = t.services.console!.sent().find(({ to, text }) => to === phone && text.includes("/i/"));
  ok(sms, "There was no invitation");
  return sms.text.match(/\/i\/[\w-]+/)![0];
}

/** Verifies this number on the page, and returns the page that follows. */
export async function enter(t: TestApp, path: string, phone: string): Promise<Page> {
  const asked = await submit(t, await visit(t, path), "send");
  equal(asked.status, 200, textOf(asked));
  return await submit(t, asked, "verify", { passcode: t.codeFor(phone) });
}

/** The status of a number in somebody's contact list. */
export async function statusOf(t: TestApp, me: Person, phone: string): Promise<string | undefined> {
  const answer = await t.call("GET", `/api/contacts/${phone}`, { token: me.token });
  return answer.body.contacts[0]?.status;
}

/** All rows of the tables concerned, without `last_seen_at`. */
export async function stored(t: TestApp): Promise<string> {
  const tables = ["users", "sessions", "passcodes", "invites", "suppressions", "conversations", "contacts"];
  const rows = await Promise.all(
    tables.map((table) => t.sql`select to_jsonb(stored) - 'last_seen_at' as row from ${t.sql(table)} stored`),
  );
  return JSON.stringify(rows);
}

/** The visible text. */
export function textOf({ html }: Page): string {
  const body = html.slice(html.indexOf("<body>"));
  return body.replaceAll(/<[^>]*>/g, " ").replaceAll("&#39;", "'").replaceAll(/\s+/g, " ").trim();
}

function formsOf(html: string): Page["forms"] {
  const forms = [...html.matchAll(/<form method="post">(.*?)<\/form>/gs)].map(([, form]) =>
    Object.fromEntries(
      [...form!.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
        name!,
        value!,
      ]),
    )
  );
  return Object.fromEntries(forms.map((fields) => [fields.step ?? "", fields]));
}
