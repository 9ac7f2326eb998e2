/** A POST to Messages.json, however the double answered it. */
export interface AskedMessage {
  to: string;
  body: string;
  /** The sender: a number, or the SID of a messaging service. */
  from: string;
}

/** The whole request of a message, for tests of its form. */
export interface AskedRequest {
  method: string;
  path: string;
  authorization: string | null;
  contentType: string | null;
  form: Record<string, string>;
}

/** An error in Twilio's words, or a custom answer. */
export type Answer =
  | { status: number; code: number }
  | ((asked: AskedMessage) => Response | Promise<Response>);

export interface TwilioDouble {
  /** For `TWILIO_API_BASE_URL`. */
  baseUrl: string;
  /** Oldest first. */
  messages: AskedMessage[];
  requests: AskedRequest[];
  /** The SIDs of the messages that it accepted by default, oldest first. */
  sids: string[];
  /** The next `times` messages, one by default, are answered like this; then Twilio works again. */
  answer(next: Answer, times?: number): void;
  close(): Promise<void>;
}

const PATH = /^\/2010-04-01\/Accounts\/AC[0-9A-Za-z]+\/Messages\.json$/;

/** A double of Twilio's API on a real port, as strict about the form of requests as Twilio is. */
export function startTwilioDouble(): TwilioDouble {
  const messages: AskedMessage[] = [];
  const requests: AskedRequest[] = [];
  const sids: string[] = [];
  const answers: Answer[] = [];
  const stopping = new AbortController();

  async function receive(request: Request): Promise<Response> {
    const form = Object.fromEntries(new URLSearchParams(await request.text()));
    const path = new URL(request.url).pathname;
    const authorization = request.headers.get("authorization");
    const contentType = request.headers.get("content-type");
    requests.push({ method: request.method, path, authorization, contentType, form });
    if (request.method !== "POST" || !PATH.test(path)) return twilioError({ status: 404, code: 20404 }, form);
    if (!authorization?.startsWith("Basic ")) return twilioError({ status: 401, code: 20003 }, form);
    const asked = {
      to: form["To"] ?? "",
      body: form["Body"] ?? "",
      from: form["MessagingServiceSid"] ?? form["From"] ?? "",
    };
    messages.push(asked);
    if (asked.from === "") return twilioError({ status: 400, code: 21603 }, form);
    if (asked.to === "") return twilioError({ status: 400, code: 21604 }, form);
    if (asked.body === "") return twilioError({ status: 400, code: 21602 }, form);
    const answer = answers.shift();
    if (answer === undefined) {
      sids.push(`SM${crypto.randomUUID().replaceAll("-", "")}`);
      return accepted(form, sids.at(-1)!);
    }
    return typeof answer === "function" ? await answer(asked) : twilioError(answer, form);
  }

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", signal: stopping.signal, onListen: () => {} },
    receive,
  );
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}`,
    messages,
    requests,
    sids,
    answer: (next, times = 1) => void answers.push(...Array.from({ length: times }, () => next)),
    async close() {
      stopping.abort();
      await server.finished;
    },
  };
}

function accepted(form: Record<string, string>, sid: string): Response {
  const body = { sid, status: "queued", to: form["To"], body: form["Body"], error_code: null };
  return Response.json(body, { status: 201 });
}

/** Quotes the number and the text, as Twilio's messages do, so that logging one is noticed. */
function twilioError(
  { status, code }: { status: number; code: number },
  form: Record<string, string>,
): Response {
  const message = `Cannot send "${form["Body"]}" to ${form["To"]}`;
  return Response.json({ code, message, more_info: "https://www.twilio.com/docs/errors", status }, {
    status,
  });
}
