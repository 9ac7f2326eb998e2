// WebSocket messages in endless fragments: only the memory of the process shows what Deno buffers of them.

import { createMemoryGuard } from "../services/events/memory_guard.ts";
import type { Socket } from "../services/events/socket.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { withService } from "./process.ts";
import { memoryMib } from "./process_state.ts";
import { shakeHands } from "./raw_socket.ts";
import { ask, signUp } from "./service_client.ts";
import { openSocket } from "./socket.ts";
import { ANN, BOB, CAT, eventually } from "./support.ts";

const MIB = 1024 * 1024;
/** Far more than the guard lets through, and less than the machine has. */
const SENT_MIB_MAX = 3_000;

/** A process whose sockets hold this many MiB each, oldest first, in addition to `elsewhere`. */
function createProcess(held: number[], elsewhere = 50) {
  const process = { held, elsewhere, cut: [] as number[] };
  const sockets = held.map((_, nth): Socket => ({
    actor: { user_id: nth, phone_number: ANN as PhoneNumber, session_id: "" },
    isBusy: () => false,
    write: () => true,
    close() {},
    cut() {
      process.cut.push(nth);
      held[nth] = 0;
    },
  }));
  const look = createMemoryGuard({
    memory: () => {
      const hidden = process.elsewhere + held.reduce((sum, mib) => sum + mib, 0);
      return { rss: (hidden + 100) * MIB, heapTotal: 60 * MIB, external: 40 * MIB };
    },
    hub: { newestFirst: () => sockets.filter((_, nth) => !process.cut.includes(nth)).reverse() },
  });
  return { process, look };
}

Deno.test("look() cuts no socket while memory has grown by no more than 512 MiB and 32 KiB per socket", async () => {
  const { process, look } = createProcess([0, 0, 0]);
  process.held[1] = 512;
  await look();
  deepEqual(process.cut, []);

  process.held[1] = 513;
  await look();
  deepEqual(process.cut, [2, 1]);
});

Deno.test("look() cuts the newest sockets until memory is within its limit", async () => {
  const { process, look } = createProcess([0, 0, 0, 0, 0]);
  [process.held[1], process.held[2], process.held[3]] = [150, 300, 300];
  await look();

  deepEqual(process.cut, [4, 3, 2]);
});

Deno.test("look() cuts all sockets once because of memory that none of them held, and then accepts that", async () => {
  const { process, look } = createProcess([0, 0]);
  process.elsewhere = 700;
  await look();
  deepEqual(process.cut, [1, 0]);
  process.cut = [];
  await look();
  deepEqual(process.cut, []);

  // Growth beyond the accepted amount is searched for again.
  process.elsewhere = 1_300;
  await look();
  deepEqual(process.cut, [1, 0]);
});

Deno.test("a socket with a message in endless fragments is cut, without harm to the service or earlier sockets", () =>
  withService(async (service) => {
    const [ann, bob, cat] = [
      await signUp(service.url, ANN),
      await signUp(service.url, BOB),
      await signUp(service.url, CAT),
    ];
    const bobs = await openSocket(`${service.url}/api/notifications?token=${bob.token}`);
    let [peak, rounds] = [0, 0];
    for (; rounds < 2; rounds += 1) {
      const { conn } = await shakeHands(service.url, `/api/notifications?token=${cat.token}`);
      try {
        ok(await isCutOff(conn, () => peak = Math.max(peak, memoryMib(service))));
      } finally {
        conn.close();
      }
    }
    ok(peak < 2_000, `${peak} MiB`);
    await eventually(() => memoryMib(service) < 400);
    await eventually(() => equal(service.output().match(/Socket cut that held memory/g)?.length, rounds));

    equal(
      (await ask(`${service.url}/api/contacts/request`, "PUT", ann.token, { phone_number: BOB })).status,
      200,
    );
    await eventually(() => bobs.told().includes("contacts_updated"));
  }));

/** Sends fragments until the connection fails. Returns false if all were accepted. */
async function isCutOff(conn: Deno.TcpConn, watch: () => void): Promise<boolean> {
  const size = MIB - 14;
  const head = new DataView(new ArrayBuffer(14));
  head.setUint8(1, 128 | 127);
  head.setBigUint64(2, BigInt(size));
  const fragment = new Uint8Array(14 + size);
  try {
    for (let sent = 0; sent < SENT_MIB_MAX; sent += 1) {
      // The first has the opcode of a binary message, and none has the FIN bit.
      head.setUint8(0, sent === 0 ? 2 : 0);
      fragment.set(new Uint8Array(head.buffer));
      for (let at = 0; at < fragment.length;) at += await conn.write(fragment.subarray(at));
      if (sent % 16 === 0) watch();
    }
    return false;
  } catch {
    return true;
  }
}
