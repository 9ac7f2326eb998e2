// The files to deploy the service with: they have all that it needs, in the versions that were tested.

import { deepEqual, equal, match, ok } from "./assert.ts";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));
const tasks: Record<string, { command: string }> = JSON.parse(read("deno.json")).tasks;
/** The paths of the repository that go into the image. */
const SHIPPED = read("deploy/Dockerfile.dockerignore").split("\n")
  .filter((line) => line.startsWith("!"))
  .map((line) => line.slice(1));

async function modulesOf(entry: string): Promise<string[]> {
  const args = ["info", "--json", "--frozen", new URL(entry, ROOT).pathname];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  return modules.map(({ specifier }: { specifier: string }) => specifier)
    .filter((specifier: string) => specifier.startsWith(ROOT.href))
    .map((specifier: string) => specifier.slice(ROOT.href.length));
}

Deno.test("the image has every file that the service and its sweep load, and every folder that it may read", async () => {
  const loaded = [...await modulesOf("main.ts"), ...await modulesOf("media_sweep.ts")];
  ok(loaded.length > 100);
  const [, readable = ""] = tasks["serve"]!.command.match(/--allow-read=(\S+)/) ?? [];
  for (const path of [...loaded, ...readable.split(","), "deno.json", "deno.lock"]) {
    ok(SHIPPED.some((shipped) => path === shipped || path.startsWith(`${shipped}/`)), path);
  }
});

Deno.test("the image has no secret, no data and no test", () => {
  for (const path of [".env", "data", "tests", ".git", "deploy"]) ok(!SHIPPED.includes(path), path);
});

Deno.test("the image has the version of Deno that the README, CI and these tests use", () => {
  const versions = ["deploy/Dockerfile", "README.md", ".ci/run"]
    .map((path) =>
      read(path).match(/deno@(\d+\.\d+\.\d+)|^version=(\d+\.\d+\.\d+)/m)?.slice(1).find(Boolean)
    );
  deepEqual(versions, Array(3).fill(Deno.version.deno));
});

Deno.test("the image starts the service for production, as a user without write access", () => {
  const dockerfile = read("deploy/Dockerfile");
  match(dockerfile, /^CMD \["deno", "task", "serve"\]$/m);
  match(dockerfile, /^USER \d+:\d+$/m);
  match(read("deploy/compose.yaml"), /^ {4}read_only: true$/m);
});

Deno.test("the proxy limits the time for heads, logs no URIs or headers, compresses only JSON, and is the one that the service trusts", () => {
  const caddyfile = read("deploy/Caddyfile");
  match(caddyfile, /^\s*read_header 10s$/m);
  for (const field of ["request>uri", "request>headers"]) ok(caddyfile.includes(`${field} delete`), field);
  match(
    caddyfile,
    /encode gzip \{\s*minimum_length 1024\s*match header Content-Type application\/json\*\s*\}/,
  );
  equal(read("deploy/compose.yaml").match(/TRUSTED_PROXY_COUNT: (\d+)/)?.[1], "1");
});

Deno.test("a process that is restarting gets no requests from the proxy, and no log grows without limit", () => {
  const caddyfile = read("deploy/Caddyfile");
  for (const line of ["lb_try_duration 5s", "health_uri /healthz"]) {
    ok(caddyfile.includes(`\t\t${line}\n`), line);
  }
  const compose = read("deploy/compose.yaml");
  const services = compose.match(/^ {2}\w+:\n {4}(logging|image|build)/gm)!;
  equal(services.length, 3);
  for (const service of services) match(service, /logging$/);
  match(compose, /max-size: 50m, max-file: "5"/);
});

Deno.test("the image's health is that of the service in it", async () => {
  const compose = read("deploy/compose.yaml");
  const script = compose.match(/^ {8}- deno\n {8}- eval\n {8}- --no-config\n {8}- '([^'$]+)'$/m)?.[1];
  ok(script, compose);
  let status = 200;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => new Response(null, { status: new URL(request.url).pathname === "/healthz" ? status : 404 }),
  );
  const judge = async () => {
    const env = { PORT: String(server.addr.port) };
    const asked = new Deno.Command(Deno.execPath(), { args: ["eval", "--no-config", script], env });
    return (await asked.output()).code;
  };
  equal(await judge(), 0);
  status = 503;
  equal(await judge(), 1);
  await server.shutdown();
  equal(await judge(), 1);
});
