import { strictEqual as equal } from "node:assert/strict";
import {
  type Arena,
  type Costs,
  readCosts,
  repeat,
  type Scenario,
  type Size,
  withService,
} from "../arena.ts";
import type { BenchDatabase } from "../cluster.ts";
import { forgetPeakOf, memoryOf } from "../cpu.ts";
import { json, openConnection, request } from "../http.ts";
import { makePeople, type Person } from "../people.ts";
import { run } from "../pgbench.ts";
import type { Service } from "../service.ts";

const MB = 1_000_000;
const PARALLEL = 8;
const WARMING_BYTES = 50 * MB;
/** The most that getRandomValues() returns at once (Web Cryptography, 10.1.1). */
const NOISE_BYTES = 64 * 1024;
const BOUNDARY = "bench-boundary";

/**
 * Uploads and downloads a recording by HTTP, compared with what psql does with the same file; then eight at
 * once, for their memory.
 */
export function media(name: string, megabytes: (size: Size) => number): Scenario {
  return {
    name,
    target: 7,
    what: "media over HTTP against psql, and the memory of eight at once",
    goals: {
      times_import_floor: { atLeast: 1.5 },
      times_export_floor: { atLeast: 2 },
      upload_mb_of_memory_each: { atMost: 8 },
      download_mb_of_memory_each: { atMost: 8 },
    },
    run: (arena: Arena) =>
      withService(arena, async (service, database) => {
        // One user each, because a user may transfer only two at once.
        const people = await makePeople(database, PARALLEL);
        const bytes = makeWav(megabytes(arena.size) * MB);
        const up = (person: Person) => upload(service, person, bytes);
        const down = (id: number, place: number) => download(service, people[place]!, id, bytes.length);
        for (let warmed = 0; warmed < WARMING_BYTES; warmed += bytes.length) {
          await down(await up(people[0]!), 0);
        }
        return await repeat(arena.size.runs, async () => {
          const floor = await takeFloors(arena, database, bytes);
          const [oneUp, upCosts] = await priced(arena, [service], () => peak(service, () => up(people[0]!)));
          const [oneDown, downCosts] = await priced(
            arena,
            [service],
            () => peak(service, () => down(oneUp.result, 0)),
          );
          const manyUp = await peak(service, () => Promise.all(people.map(up)));
          const manyDown = await peak(service, () => Promise.all(manyUp.result.map(down)));
          const perS = (ms: number) => bytes.length / MB / (ms / 1000);
          const per100Mb = (seconds: number) => seconds / (bytes.length / MB) * 100;
          return {
            megabytes: bytes.length / MB,
            upload_mb_per_s: perS(oneUp.ms),
            download_mb_per_s: perS(oneDown.ms),
            import_floor_mb_per_s: floor && perS(floor.importMs),
            export_floor_mb_per_s: floor && perS(floor.exportMs),
            times_import_floor: floor && floor.importMs / oneUp.ms,
            times_export_floor: floor && floor.exportMs / oneDown.ms,
            upload_service_cpu_s_per_100_mb: per100Mb(upCosts.server),
            upload_postgres_cpu_s_per_100_mb: per100Mb(upCosts.postgres),
            upload_client_cpu_s_per_100_mb: per100Mb(upCosts.client),
            import_floor_postgres_cpu_s_per_100_mb: floor && per100Mb(floor.importCosts.postgres),
            download_service_cpu_s_per_100_mb: per100Mb(downCosts.server),
            download_postgres_cpu_s_per_100_mb: per100Mb(downCosts.postgres),
            download_client_cpu_s_per_100_mb: per100Mb(downCosts.client),
            export_floor_postgres_cpu_s_per_100_mb: floor && per100Mb(floor.exportCosts.postgres),
            upload_mb_of_memory_each: (manyUp.bytes - oneUp.bytes) / (PARALLEL - 1) / MB,
            download_mb_of_memory_each: (manyDown.bytes - oneDown.bytes) / (PARALLEL - 1) / MB,
          };
        });
      }),
  };
}

/** Runs it and returns its result with the CPU seconds of each process. */
async function priced<T>(
  arena: Arena,
  services: Service[],
  work: () => Promise<T>,
): Promise<[result: T, costs: Costs]> {
  const before = await readCosts(arena, services);
  const result = await work();
  const after = await readCosts(arena, services);
  return [result, {
    server: after.server - before.server,
    postgres: after.postgres - before.postgres,
    client: after.client - before.client,
  }];
}

/** Runs it and returns how long it took, and the service's peak of memory. */
async function peak<T>(
  service: Service,
  work: () => Promise<T>,
): Promise<{ result: T; ms: number; bytes: number }> {
  await forgetPeakOf(service.pid);
  const { result, ms } = await timed(work);
  return { result, ms, bytes: await memoryOf(service.pid, "VmHWM") };
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const result = await work();
  return { result, ms: performance.now() - startedAt };
}

async function upload(service: Service, { token }: Person, bytes: Uint8Array): Promise<number> {
  const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="voice"\r\n\r\n`;
  const tail = `\r\n--${BOUNDARY}--\r\n`;
  const length = head.length + bytes.length + tail.length;
  const connection = await openConnection(service);
  const encoder = new TextEncoder();
  const headers = {
    "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
    "content-length": String(length),
  };
  const reply = await connection.ask(
    request("POST /api/messages/upload_media?media_type=audio", { token, headers }),
    [encoder.encode(head), bytes, encoder.encode(tail)],
  );
  equal(reply.status, 200, new TextDecoder().decode(reply.body));
  connection.close();
  return (json(reply) as { id: number }).id;
}

async function download(service: Service, { token }: Person, id: number, length: number): Promise<void> {
  const connection = await openConnection(service);
  const { status, bodyBytes } = await connection.fetch(request(`GET /api/messages/media/${id}`, { token }));
  equal(status, 200);
  equal(bodyBytes, length);
  connection.close();
}

/** Writes the same file into a large object and reads it by psql; null without psql. */
async function takeFloors(arena: Arena, database: BenchDatabase, bytes: Uint8Array) {
  const file = await Deno.makeTempFile({ prefix: "puffintalk-bench-" });
  const psql = (command: string) =>
    run("psql", [
      "--no-psqlrc",
      "--host",
      database.host,
      "--username=puffintalk",
      "-c",
      command,
      database.name,
    ]);
  try {
    await Deno.writeFile(file, bytes);
    const [imported, importCosts] = await priced(arena, [], () => timed(() => psql(`\\lo_import ${file}`)));
    const oid = imported.result.match(/lo_import (\d+)/)![1];
    const [exported, exportCosts] = await priced(
      arena,
      [],
      () => timed(() => psql(`\\lo_export ${oid} ${file}`)),
    );
    equal((await Deno.stat(file)).size, bytes.length);
    await psql(`\\lo_unlink ${oid}`);
    return { importMs: imported.ms, importCosts, exportMs: exported.ms, exportCosts };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  } finally {
    await Deno.remove(file);
  }
}

/** A WAV file of this size: 8 bits, mono. Noise, because recordings of phones are already compressed. */
function makeWav(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += NOISE_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, at + NOISE_BYTES));
  }
  const view = new DataView(bytes.buffer);
  const write = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  write(0, "RIFF");
  view.setUint32(4, length - 8, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8_000, true);
  view.setUint32(28, 8_000, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  write(36, "data");
  view.setUint32(40, length - 44, true);
  return bytes;
}
