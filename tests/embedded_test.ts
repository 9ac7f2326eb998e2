import { join } from "node:path";
import postgres from "postgres";
import { hashOf, removeBusyFolder } from "../db/embedded/folder.ts";
import { type EmbeddedPostgres, startEmbedded } from "../db/embedded/launcher.ts";
import { deepEqual, equal, match, notEqual, ok, rejects } from "./assert.ts";
import { hold, prepareOrdinaryUser, spawnHolder } from "./fixtures/embedded_processes.ts";

const root = Deno.uid() === 0;
const FAST = { settings: { fsync: "off" } };

/** A directory that any user can enter, removed at the end. */
async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "puffintalk-embedded-" });
  await Deno.chmod(folder, 0o711);
  try {
    await test(folder);
  } finally {
    await removeBusyFolder(folder);
  }
}

async function query(server: EmbeddedPostgres, text: string): Promise<Record<string, string>[]> {
  const sql = postgres({ ...server.address, max: 1 });
  try {
    return [...await sql.unsafe(text)];
  } finally {
    await sql.end();
  }
}

async function pidOf({ location }: { location?: string }): Promise<number> {
  return parseInt(await Deno.readTextFile(join(location!, "cluster/postmaster.pid")));
}

function isAlive(pid: number): boolean {
  return new Deno.Command("kill", { args: ["-0", String(pid)], stderr: "null" }).outputSync().success;
}

Deno.test("startEmbedded() keeps what was stored over a restart", () =>
  withFolder(async (folder) => {
    const first = await startEmbedded(folder, FAST);
    await query(first, "create table kept as select 'Ann' as name");
    const client = postgres({ ...first.address, max: 1, onclose: () => {} });
    await client`select 1`;
    await first.stop();
    await client.end({ timeout: 0 });
    const log = join(first.location, "postgres.log");
    const said = await Deno.readTextFile(log);
    match(said, /received fast shutdown request/, "clients are disconnected and not waited for");
    match(said, /database system is shut down\n$/);
    await Deno.writeTextFile(log, "x".repeat(1_000_001));

    const second = await startEmbedded(folder, FAST);
    deepEqual(await query(second, "select name from kept"), [{ name: "Ann" }]);
    ok((await Deno.stat(log)).size < 1_000_000, "a log that has grown is begun anew");
    equal(second.adopted, false);
    await second.stop();
  }));

Deno.test("startEmbedded() runs with checksums, durable, in C.UTF-8, behind a socket for its own user only", () =>
  withFolder(async (folder) => {
    const server = await startEmbedded(join(folder, "deep/below"));
    const [row] = await query(
      server,
      `select current_user, current_database(), datlocale, pg_encoding_to_char(encoding) as encoding,
         current_setting('data_checksums') as checksums, current_setting('listen_addresses') as addresses,
         current_setting('fsync') || current_setting('synchronous_commit') as durable
       from pg_database
       where datname = current_database()`,
    );
    const socket = await Deno.stat(join(server.address.host, ".s.PGSQL.5432"));
    await server.stop();

    deepEqual(row, {
      current_user: "puffintalk",
      current_database: "puffintalk",
      datlocale: "C.UTF-8",
      encoding: "UTF8",
      checksums: "on",
      addresses: "",
      durable: "onon",
    });
    equal((await Deno.stat(server.address.host)).mode! & 0o777, 0o700);
    equal(socket.mode! & 0o777, 0o700);
    equal((await Deno.stat(join(folder, "deep/below"))).mode! & 0o066, 0, "nobody else looks into it");
    match(server.version, /^18\./);
  }));

Deno.test("startEmbedded() passes no secrets to its server, and no value of a statement is in the server's log", () =>
  withFolder(async (folder) => {
    Deno.env.set("HUSH", "canary-secret");
    const server = await startEmbedded(folder, FAST);
    try {
      await query(server, "create table people (phone text primary key)");
      await query(server, "insert into people values ('canary-number')");
      await rejects(query(server, "insert into people values ('canary-number')"), /duplicate key/);
      await rejects(query(server, "select 'canary-text'::integer"), /canary-text/);
      const log = join(server.location, "postgres.log");
      const text = await Deno.readTextFile(log);
      match(text, /ready to accept connections/);
      ok(!text.includes("canary"), text);
      equal((await Deno.stat(log)).mode! & 0o777, 0o600);
      const environment = await Deno.readTextFile(`/proc/${await pidOf(server)}/environ`)
        .catch(() => "LC_ALL=C where there is no /proc");
      match(environment, /LC_ALL=C/);
      ok(!environment.includes("canary"));
    } finally {
      Deno.env.delete("HUSH");
      await server.stop();
    }
  }));

Deno.test("startEmbedded() adopts the server that a killed service left behind, and stop() ends it", () =>
  withFolder(async (folder) => {
    const killed = await hold(folder);
    await killed.kill();
    const pid = await pidOf(killed.said);
    ok(isAlive(pid));

    const server = await startEmbedded(folder, FAST);
    equal(server.adopted, true);
    equal(await pidOf(server), pid);
    await server.stop();
    await rejects(query(server, "select 1 as one"));
    await rejects(pidOf(server), Deno.errors.NotFound);
  }));

Deno.test("startEmbedded() refuses a second service on the same data directory and names the first", () =>
  withFolder(async (folder) => {
    const server = await startEmbedded(folder, FAST);
    const { said } = await hold(folder);
    deepEqual(await query(server, "select 1 as one"), [{ one: 1 }]);
    await server.stop();

    match(
      said.error!,
      /^Another PuffinTalk service \(process \d+\) uses the data directory ".+"\. Stop it first/,
    );
    ok(said.error!.includes(`process ${Deno.pid}`));
  }));

Deno.test("startEmbedded() starts afresh after a kill in the middle of initdb", () =>
  withFolder(async (folder) => {
    const { kill } = spawnHolder(folder);
    const location = join(folder, "postgres");
    let unfinished: string | undefined;
    while (!unfinished) {
      const names = await Array.fromAsync(Deno.readDir(location), ({ name }) => name).catch(() => []);
      unfinished = names.find((name) => name.startsWith("cluster"));
    }
    await kill();
    notEqual(unfinished, "cluster");

    const server = await startEmbedded(folder, FAST);
    deepEqual(await query(server, "select 1 as one"), [{ one: 1 }]);
    await server.stop();
  }));

Deno.test("startEmbedded() copies the programs again after a kill in the middle of copying", () =>
  withFolder(async (folder) => {
    const server = await startEmbedded(folder, FAST);
    await server.stop();
    const [programs] = await programsIn(server.location);
    await Deno.rename(join(server.location, programs!), join(server.location, `${programs}.half`));
    await Deno.mkdir(join(server.location, "postgresql-1.0.0"));

    await (await startEmbedded(folder, FAST)).stop();
    deepEqual(await programsIn(server.location), [programs]);
  }));

async function programsIn(location: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(location), ({ name }) => name);
  return names.filter((name) => name.startsWith("postgresql-"));
}

Deno.test("startEmbedded() starts despite the lock files of a crashed machine whose pids other programs have now", () =>
  withFolder(async (folder) => {
    const server = await startEmbedded(folder, FAST);
    await server.stop();
    const { uid, gid } = await Deno.stat(server.location);
    const sleep = new Deno.Command("sleep", {
      args: ["60"],
      cwd: "/",
      ...(root ? { uid: uid!, gid: gid! } : {}),
    })
      .spawn();
    for (const lock of ["cluster/postmaster.pid", ".s.PGSQL.5432.lock"]) {
      const path = join(server.location, lock);
      await Deno.writeTextFile(path, `${sleep.pid}\n${server.location}/cluster\n1\n5432\n`);
      await Deno.chown(path, uid, gid);
    }

    const again = await startEmbedded(folder, FAST);
    equal(again.adopted, false);
    await again.stop();
    sleep.kill();
    await sleep.status;
  }));

Deno.test("startEmbedded() opens its socket elsewhere when the path would be too long", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "a directory, with: a long name ".repeat(4));
    const server = await startEmbedded(dataDir, FAST);
    deepEqual(await query(server, "select 1 as one"), [{ one: 1 }]);
    match(server.address.host, /^\/tmp\/puffintalk-[0-9a-f]{16}$/);
    equal((await Deno.stat(server.address.host)).mode! & 0o777, 0o700);
    await server.stop();
    await rejects(Deno.stat(server.address.host), Deno.errors.NotFound);
  }));

Deno.test("startEmbedded() opens no socket in a folder that somebody else may enter or has created", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "a directory, with: a long name ".repeat(4));
    await Deno.mkdir(dataDir);
    const name = await hashOf(join(await Deno.realPath(dataDir), "postgres"));
    const sockets = `/tmp/puffintalk-${name}`;
    const start = async () => await (await startEmbedded(dataDir, FAST)).stop();
    await Deno.mkdir(sockets);
    try {
      await Deno.chmod(sockets, 0o777);
      await rejects(start(), /which is for the socket of the database, belongs to somebody else/);
      if (!root) return;
      await Deno.chmod(sockets, 0o700);
      await Deno.chown(sockets, 54_321, 54_321);
      await rejects(start(), /which is for the socket of the database, belongs to somebody else/);
    } finally {
      await Deno.remove(sockets, { recursive: true });
    }
  }));

Deno.test("startEmbedded() says which directory cannot be written", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    await rejects(startEmbedded(join(folder, "file/below")), {
      name: "EmbeddedPostgresError",
      message: new RegExp(
        `^Cannot write to the data directory "${folder}/file/below": .*DATA_DIR.*DATABASE_URL`,
      ),
    });
  }));

Deno.test("startEmbedded() refuses a DATA_DIR with characters that its programs cannot take, before it sets anything up", () =>
  withFolder(async (folder) => {
    for (const part of ['a"b', "a$b", "a`b", "a\nb", "a,b"]) {
      await rejects(startEmbedded(join(folder, part), FAST), (error: Error) => {
        equal(error.name, "EmbeddedPostgresError");
        ok(error.message.startsWith(`DATA_DIR: Must be a path without ${JSON.stringify(part[1])}`));
        ok(error.message.includes(JSON.stringify(join(folder, part, "postgres"))));
        return true;
      });
    }
    const server = await startEmbedded(join(folder, "it's \\ a %; folder"), FAST);
    await server.stop();
  }));

Deno.test({
  name:
    "startEmbedded() puts root's cluster under /var/lib when the server's user cannot reach the directory",
  ignore: !root,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.chmod(folder, 0o700);
      const dataDir = join(folder, "data");
      const first = await startEmbedded(dataDir, FAST);
      try {
        match(first.location, /^\/var\/lib\/puffintalk\/[0-9a-f]{16}$/);
        await query(first, "create table kept as select 1 as one");
        await first.stop();

        // Neither renaming the directory nor changing its mode may lose its data.
        await Deno.chmod(folder, 0o711);
        await Deno.rename(dataDir, `${dataDir}-moved`);
        const second = await startEmbedded(`${dataDir}-moved`, FAST);
        deepEqual(await query(second, "select one from kept"), [{ one: 1 }]);
        await second.stop();
      } finally {
        await Deno.remove(first.location, { recursive: true });
      }
    }),
});

Deno.test({
  name: "startEmbedded() gives root's server no folder that is reached through somebody else's link",
  ignore: !root,
  fn: () =>
    withFolder(async (folder) => {
      const [elsewhere, dataDir] = [join(folder, "elsewhere"), join(folder, "data")];
      for (const path of [elsewhere, dataDir]) await Deno.mkdir(path);
      await Deno.symlink(elsewhere, join(dataDir, "postgres"));

      const started = startEmbedded(dataDir, FAST).then((server) => server.stop());
      await rejects(started, /The link ".+\/data\/postgres" does not point into/);
      equal((await Deno.stat(elsewhere)).uid, 0);
    }),
});

Deno.test({
  name: "startEmbedded() points a user without a name to DATABASE_URL",
  ignore: !root,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.mkdir(join(folder, "postgres"), { mode: 0o700 });
      await Deno.chown(join(folder, "postgres"), 54_321, 54_321);
      await rejects(startEmbedded(folder), /uid 54321 has none in \/etc\/passwd. Set DATABASE_URL/);
    }),
});

Deno.test({
  name:
    "startEmbedded() works for an ordinary user in a home of mode 700, and refuses what they cannot write",
  ignore: !root,
  fn: () =>
    withFolder(async (folder) => {
      const home = join(folder, "home");
      await Deno.mkdir(home, { mode: 0o700 });
      const user = await prepareOrdinaryUser(home);
      const { said, kill } = await hold(join(home, "data"), user);
      await kill();
      equal(said.error, undefined);
      equal(said.location, join(home, "data/postgres"));

      const refused = await hold(join(folder, "data"), user);
      match(refused.said.error!, /^Cannot write to the data directory ".+\/data": Permission denied/);

      // Root takes over as that user, so that the files keep their owner.
      const server = await startEmbedded(join(home, "data"), FAST);
      equal(server.adopted, true);
      await server.stop();
    }),
});
