// The SMS that were printed instead of sent, by number, as they arrive: for developers on their own machine.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

interface Sms {
  to: string;
  text: string;
  at: string;
}

const LOOK_AGAIN_MS = 1_000;

function Inboxes() {
  const messages = useMessages();
  if (messages.length === 0) return <p>None yet.</p>;
  const numbers = [...new Set(messages.map(({ to }) => to))];
  return numbers.map((number) => (
    <section key={number} aria-label={number}>
      <h3>{number}</h3>
      {messages.filter(({ to }) => to === number).map((sms) => <Message key={sms.at} {...sms} />)}
    </section>
  ));
}

function Message({ text, at }: Sms) {
  const code = text.match(/#(\d{6})\s*$/)?.[1];
  const [before, link, after] = split(text);
  return (
    <article>
      {code && (
        <p>
          <span class="code">{code}</span>
          <Copy text={code} />
        </p>
      )}
      <p>
        {before}
        {link && <a href={hereOf(link)} target="_blank">{link}</a>}
        {after}
      </p>
      <time dateTime={at}>{new Date(at).toLocaleTimeString()}</time>
    </article>
  );
}

function Copy({ text }: { text: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
  };
  return <button type="button" onClick={copy}>{isDone ? "Copied" : "Copy the code"}</button>;
}

function useMessages(): Sms[] {
  const [messages, setMessages] = useState<Sms[]>([]);
  useEffect(() => {
    let known = "";
    const look = async () => {
      const text = await fetch("/dev/sms").then((response) => response.ok ? response.text() : known).catch(
        () => known,
      );
      if (text !== known) setMessages(JSON.parse(text).messages);
      known = text;
    };
    look();
    const timer = setInterval(look, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return messages;
}

function split(text: string): string[] {
  const [link] = text.match(/https?:\/\/\S+\/i\/\S+/) ?? [];
  if (!link) return [text];
  const at = text.indexOf(link);
  return [text.slice(0, at), link, text.slice(at + link.length)];
}

/** The path of a link: this page may be open under another host than PUBLIC_URL names. */
function hereOf(link: string): string {
  return new URL(link).pathname;
}

const root = document.getElementById("sms")!;
root.textContent = "";
render(<Inboxes />, root);
