import { join } from "node:path";
import { connect, type DatabaseAddress } from "../db/connection/database.ts";
import { awaitServer } from "../db/connection/server.ts";
import { migrate } from "../db/migrate/migrate.ts";
import { deepEqual, equal, match } from "./assert.ts";
import { MIGRATIONS, type TestDatabase } from "./database.ts";
import { ANN, BOB, eventually, succeeded, withApp } from "./support.ts";

/** Where Debian installs it. */
const BINARIES = "/usr/lib/postgresql/15/bin";
const installed = await Deno.stat(`${BINARIES}/postgres`).then(() => true, () => false);

/** PostgreSQL refuses to run as root. */
async function ordinaryUser(): Promise<{ uid?: number; gid?: number }> {
  if (Deno.uid() !== 0) return {};
  const passwd = await Deno.readTextFile("/etc/passwd");
  const [, uid, gid] = passwd.match(/^postgres:[^:]*:(\d+):(\d+):/m) ??
    passwd.match(/^nobody:[^:]*:(\d+):(\d+):/m)!;
  return { uid: Number(uid), gid: Number(gid) };
}

/** Runs a test on an empty database of its own PostgreSQL 15. */
async function withPostgres15(test: (database: TestDatabase) => Promise<void>): Promise<void> {
  const user = await ordinaryUser();
  const folder = await Deno.makeTempDir({ prefix: "puffintalk-15-" });
  if (user.uid !== undefined) await Deno.chown(folder, user.uid, user.gid!);
  const start = (program: string, args: string[]) =>
    new Deno.Command(join(BINARIES, program), { args, ...user, cwd: folder, stdout: "null", stderr: "null" })
      .spawn();
  const cluster = join(folder, "cluster");
  const made = await start("initdb", [
    "-D",
    cluster,
    "-U",
    "puffintalk",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--no-sync",
  ]).status;
  equal(made.code, 0);
  const server = start("postgres", [
    "-D",
    cluster,
    "-k",
    folder,
    "-c",
    "listen_addresses=",
    "-c",
    "fsync=off",
  ]);
  try {
    const address = { host: folder, port: 5432, user: "puffintalk", database: "postgres" };
    await awaitServer(address, new Promise(() => {}));
    const url = `postgres://puffintalk@localhost/postgres?host=${encodeURIComponent(folder)}`;
    await test({ address, url, drop: () => Promise.resolve() });
  } finally {
    server.kill("SIGINT");
    await server.status;
    await Deno.remove(folder, { recursive: true });
  }
}

async function versionOf(address: DatabaseAddress): Promise<string> {
  const sql = connect(address, { max: 1 });
  const [row] = await sql<{ server_version: string }[]>`show server_version`;
  await sql.end();
  return row!.server_version;
}

Deno.test({
  name: "on PostgreSQL 15 the migrations run, and two people become friends, talk, read and are notified",
  ignore: !installed,
  fn: () =>
    withPostgres15(async (database) => {
      match(await versionOf(database.address), /^15\./);
      await migrate(database.url, MIGRATIONS);
      deepEqual(await migrate(database.address, MIGRATIONS), []);
      await withApp(async (t) => {
        const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
        const socket = await t.socket(bob.token);
        await t.befriend(ann, bob);
        const sends = await Promise.all(
          ["one", "two", "three"].map((text) => t.send(ann, bob, text, { client_id: text })),
        );
        sends.forEach(succeeded);
        await eventually(() => socket.told().includes(`messages_updated ${ANN}`));

        const thread = await t.call("GET", `/api/messages/${ANN}`, { token: bob.token });
        deepEqual(thread.body.messages.map(({ message }: { message: string }) => message).sort(), [
          "one",
          "three",
          "two",
        ]);
        succeeded(
          await t.call("PUT", "/api/messages/read_all_text", {
            token: bob.token,
            json: { phone_number: ANN },
          }),
        );
        const [first] = (await t.call("GET", `/api/messages/${BOB}`, { token: ann.token })).body.messages;
        equal(first.status, "seen");
        succeeded(await t.call("POST", "/api/auth/signout", { token: bob.token }));
        equal(await socket.closed, 4001);
        await t.signIn(BOB);
      }, { database });
    }),
});
