import type { Context } from "hono";
import { deepEqual, equal, match } from "./assert.ts";

import { type ClientAddress, clientAddress } from "../routes/client_address.ts";
import type { AppEnv } from "../routes/env.ts";
import { configureLogging } from "../services/log.ts";
import { ask, complete, MINUTE_MS, wrong } from "./passcode_calls.ts";
import { ANN, refused, succeeded, withApp } from "./support.ts";

/** The client address of a request with these hops, behind this many proxies. */
function addressOf(socket: string, forwarded: string | null, proxies: number): string {
  return clientAddress(proxies)(contextOf(socket, forwarded));
}

function contextOf(socket: string, forwarded: string | null): Context<AppEnv> {
  const headers = new Headers(forwarded === null ? {} : { "x-forwarded-for": forwarded });
  const context = {
    env: { remoteAddr: { transport: "tcp", hostname: socket, port: 1 } },
    req: { header: (name: string) => headers.get(name) ?? undefined },
  };
  return context as unknown as Context<AppEnv>;
}

const PROXY = "10.0.0.1";

Deno.test("clientAddress() is the socket's address without proxies, whatever X-Forwarded-For says", () => {
  equal(addressOf("192.0.2.1", null, 0), "192.0.2.1");
  equal(addressOf("192.0.2.1", "198.51.100.7", 0), "192.0.2.1");
});

Deno.test("a proxy on this machine or network that TRUSTED_PROXY_COUNT leaves out is logged once", () => {
  const log: string[] = [];
  configureLogging("json", (line) => void log.push(line));
  const ask = (address: ClientAddress, socket: string, forwarded: string | null) =>
    address(contextOf(socket, forwarded));
  const near = ["127.0.0.1", "::1", "10.0.0.1", "172.31.0.1", "192.168.1.1", "::ffff:10.0.0.1", "fd00::1"];
  for (const socket of near) {
    const address = clientAddress(0);
    ask(address, socket, null);
    deepEqual(log.splice(0), [], socket);
    for (let time = 0; time < 3; time += 1) ask(address, socket, "198.51.100.7");
    equal(log.length, 1, socket);
    match(log.pop()!, /"WARN".*TRUSTED_PROXY_COUNT/);
  }
  for (const socket of ["198.51.100.7", "172.32.0.1", "11.0.0.1", "2001:db8::1"]) {
    ask(clientAddress(0), socket, "192.0.2.1");
  }
  ask(clientAddress(1), PROXY, "192.0.2.1");
  deepEqual(log, []);
});

Deno.test("clientAddress() is what the outermost trusted proxy wrote, not what is to the left of it", () => {
  equal(addressOf(PROXY, "198.51.100.7", 1), "198.51.100.7");
  equal(addressOf(PROXY, "1.1.1.1, 2.2.2.2,198.51.100.7", 1), "198.51.100.7");
  equal(addressOf(PROXY, "1.1.1.1, 198.51.100.7 , 10.0.0.2", 2), "198.51.100.7");
  equal(addressOf(PROXY, "1.1.1.1,,198.51.100.7,10.0.0.3,10.0.0.2", 3), "198.51.100.7");
});

Deno.test("clientAddress() is the leftmost hop if there are fewer hops than proxies, the socket's address if there are none", () => {
  equal(addressOf(PROXY, "198.51.100.7", 2), "198.51.100.7");
  for (const nothing of [null, "", " , "]) equal(addressOf(PROXY, nothing, 2), PROXY);
});

Deno.test("clientAddress() cuts IPv6 to the /64 of a subscriber, in every spelling", () => {
  const spellings = [
    "2001:db8:0:7::1",
    "2001:DB8::7:0:0:0:1",
    "2001:0db8:0000:0007:ffff:ffff:ffff:ffff",
    "2001:db8:0:7:a:b:c:d",
    "[2001:db8:0:7::2]",
    "[2001:db8:0:7::2]:4711",
    "2001:db8:0:7::2%eth0",
    "2001:db8:0:7::192.0.2.1",
  ];
  for (const spelling of spellings) {
    equal(addressOf(PROXY, spelling, 1), "2001:db8:0:7::/64", spelling);
    if (!spelling.startsWith("[")) equal(addressOf(spelling, null, 0), "2001:db8:0:7::/64", spelling);
  }
  equal(addressOf(PROXY, "2001:db8:0:8::1", 1), "2001:db8:0:8::/64");
  equal(addressOf("::1", null, 0), "0:0:0:0::/64");
});

Deno.test("clientAddress() treats an IPv4-mapped IPv6 address as the IPv4 address", () => {
  for (const spelling of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]) {
    equal(addressOf(spelling, null, 0), "192.0.2.1");
    equal(addressOf(PROXY, spelling, 1), "192.0.2.1");
  }
});

Deno.test("clientAddress() drops the port that some proxies append to an IPv4 address", () => {
  for (const port of [1, 4711, 65_535]) equal(addressOf(PROXY, `192.0.2.1:${port}`, 1), "192.0.2.1");
});

Deno.test("a client that forges X-Forwarded-For gains no guesses", () =>
  withApp(async (t) => {
    t.clock.freeze();
    for (let round = 0; round < 2; round++) {
      await ask(t, "signup", ANN);
      for (let nth = 1; nth <= 5; nth++) {
        const passcode = wrong(t.codeFor(ANN), nth);
        const address = `203.0.113.${round * 5 + nth}, 192.0.2.1`;
        refused(await complete(t, "signup", { phone: ANN, passcode, address }), 400, "invalid_passcode");
      }
      t.clock.advance((round + 1) * MINUTE_MS);
    }
    succeeded(await ask(t, "signup", ANN));
    const right = { phone: ANN, passcode: t.codeFor(ANN) };
    const forged = { ...right, address: "203.0.113.99, 192.0.2.1" };
    refused(await complete(t, "signup", forged), 429, "too_many_attempts");
    succeeded(await complete(t, "signup", { ...right, address: "192.0.2.1, 203.0.113.99" }));
  }, { env: { TRUSTED_PROXY_COUNT: "1" } }));
