import { createHash } from "node:crypto";

/**
 * Small enough to be inlined in every page. Nothing depends on colour alone, or on a pointer that can hover.
 */
export const STYLE = `
:root { color-scheme: light dark; --paper: #f6f4ef; --card: #fff; --ink: #1d2b33; --soft: #51626c; --line: #71828c;
  --key: #0b5d7a; --on-key: #fff; --warn: #9a2617; --warn-paper: #fdeeea; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12191d; --card: #1b252b; --ink: #edf2f4; --soft: #aebdc5; --line: #7d8f99;
    --key: #7cc8e4; --on-key: #0b1d26; --warn: #ffb4a4; --warn-paper: #3a1c16; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 100%/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main { max-width: 26rem; margin: 0 auto; padding: .75rem 1rem; }
header { padding-bottom: 0; font-weight: 700; letter-spacing: .02em; color: var(--key); }
main { margin-bottom: 1rem; }
h1 { margin: 0 0 .5rem; font-size: 1.35em; line-height: 1.25; }
p { margin: 0 0 .75rem; }
form { margin: 0 0 .75rem; }
label { display: block; font-weight: 600; }
.soft { color: var(--soft); font-size: .9em; }
.notice, .alert { padding: .5rem .75rem; border-left: .25rem solid var(--key); background: var(--paper); }
.alert { border-color: var(--warn); background: var(--warn-paper); color: var(--warn); font-weight: 600; }
input { width: 100%; min-height: 3rem; margin: .25rem 0 .75rem; padding: .5rem .75rem; font: inherit;
  font-size: 1.25em; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
button, .button { display: block; width: 100%; min-height: 3rem; padding: .65rem 1rem; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer; color: var(--on-key); background: var(--key);
  border: 1px solid var(--key); border-radius: .5rem; }
.button { display: flex; align-items: center; justify-content: center; }
button.second { color: var(--key); background: transparent; }
button kbd { font: inherit; }
:focus-visible, button:focus, input:focus, a:focus { outline: 3px solid var(--ink); outline-offset: 2px; }
.apart { margin-top: 1.25rem; padding-top: 1rem; border-top: 1px solid var(--line); }
@media (min-width: 40rem) {
  header { padding-top: 3rem; }
  main { margin-top: .75rem; padding: 1.75rem; background: var(--card); border-radius: 1rem; }
}
@media (max-width: 15.5rem) {
  body { font-size: 87.5%; line-height: 1.3; }
  header, main { padding: .4rem .5rem; }
  header { padding-bottom: 0; }
  h1 { font-size: 1.2em; margin-bottom: .3rem; }
  p, form { margin-bottom: .5rem; }
  input, button, .button { min-height: 2.5rem; padding: .35rem .5rem; }
  .notice, .alert { padding: .3rem .5rem; }
  .apart { margin-top: .75rem; padding-top: .75rem; }
}
@media (max-width: 9rem) {
  body { font-size: 75%; }
  h1 { font-size: 1.1em; }
  .soft { font-size: 1em; }
}
`;

/** Allows this style sheet and nothing else: no script, no image, no frame, no other host. */
export const CONTENT_SECURITY_POLICY = policy([]);

/** For the page that hands over to the web client: its script is allowed as well. */
export const HANDOVER_POLICY = policy(["script-src 'self'"]);

function policy(more: string[]): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...more,
  ].join("; ");
}
