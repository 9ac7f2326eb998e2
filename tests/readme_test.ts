// The README's transcript, pasted into a shell as a reader would.

import { equal, match, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { startService } from "./process.ts";
import { eventually } from "./support.ts";

/** The shell blocks of a section, in order. */
async function shellBlocks(section: string): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const text = readme.split(`## ${section}\n`)[1]!.split("\n## ")[0]!;
  return [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block!);
}

Deno.test("README: two people sign up, become friends and talk, by pasting its transcript", async () => {
  const database = await createTestDatabase();
  const service = await startService({ env: { DATABASE_URL: database.url } });
  const shell = openShell();
  try {
    const blocks = await shellBlocks("Two people talk");
    const [signUp, befriend, listen, talk] = blocks.map((block) =>
      block.replaceAll("127.0.0.1:3000", new URL(service.url).host)
    );
    equal(blocks.length, 4);

    await shell.paste(signUp!);
    const befriended = await shell.paste(befriend!);
    match(befriended, /"display_name":"Bob","status":"requesting"/);
    match(befriended, /"status":"accepted"/);

    const bob = (await shell.paste("echo $bob")).trim();
    const terminal = openShell();
    terminal.type(`bob=${bob}; exec ${listen!}`);
    await eventually(() => ok(/"event":"connected"/.test(terminal.output())), 60_000);
    match(await shell.paste(talk!), /"message":"Hello Bob".*"status":"seen"/s);
    await eventually(() => ok(/"event":"messages_updated","sender":"\+14155550101"/.test(terminal.output())));
    await terminal.end();
  } finally {
    await shell.end();
    await service.end("SIGTERM");
    await database.drop();
  }
});

/** A shell that stays open between blocks, as a terminal does. */
function openShell() {
  const child = new Deno.Command("setsid", {
    args: ["bash"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  let output = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  const finished = Promise.all([read(child.stdout), read(child.stderr)]);
  let pasted = 0;
  const type = (text: string) => input.write(new TextEncoder().encode(`${text}\n`));
  return {
    output: () => output,
    type,
    /** Runs a block and returns what it printed. */
    async paste(block: string): Promise<string> {
      const [from, end] = [output.length, `-- end of block ${++pasted} --`];
      await type(`${block}\necho '${end}'`);
      await eventually(() => ok(output.includes(end), output), 20_000);
      return output.slice(from).replace(end, "");
    },
    async end() {
      // Ends the whole process group, because npx has a child.
      try {
        Deno.kill(-child.pid, "SIGTERM");
      } catch { /* it has ended */ }
      await finished;
      await child.status;
      await input.close().catch(() => {});
    },
  };
}
