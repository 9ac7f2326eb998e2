import { deepEqual } from "./assert.ts";
import { type TestApp, withApp } from "./support.ts";

const LETTERS_MAX = 1_024;

/** A header that prefers `best` and is filled up to this many letters. */
function liked(best: string, letters: number): string {
  return `${best},${"x,".repeat(letters)}`.slice(0, letters);
}

/** Requests a path with this header on a connection of its own. */
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

Deno.test("preferences in a header of more than 1024 characters are ignored", () =>
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
