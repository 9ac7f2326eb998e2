import { deepEqual } from "./assert.ts";
import { type TestApp, withApp } from "./support.ts";

const LETTERS_MAX = 1_024;

/** What is liked best, and so much besides that it has so many letters in all. */
function liked(best: string, letters: number): string {
  return `${best},${"x,".repeat(letters)}`.slice(0, letters);
}

/** Without the repairs of fetch(), which decodes what it gets. */
async function ask(t: TestApp, path: string, name: string, value: string): Promise<Response> {
  const client = Deno.createHttpClient({});
  try {
    const answer = await fetch(t.url + path, { client, redirect: "manual", headers: { [name]: value } });
    await answer.body?.cancel();
    return answer;
  } finally {
    client.close();
  }
}

Deno.test("of a client that says at too great length what it likes nothing is known", () =>
  withApp(async (t) => {
    const heard = [];
    for (const letters of [LETTERS_MAX, LETTERS_MAX + 1, 60_000]) {
      const root = await ask(t, "/", "Accept", liked("text/html", letters));
      const app = await ask(t, "/app", "Accept-Encoding", liked("gzip", letters));
      const page = await ask(t, "/i/x", "Accept-Language", liked("es", letters));
      heard.push([
        root.status,
        app.headers.get("content-encoding"),
        page.headers.get("content-language"),
      ]);
    }
    deepEqual(heard, [[302, "gzip", "es"], [200, null, "en"], [200, null, "en"]]);
  }));
