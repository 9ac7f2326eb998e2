import fc from "fast-check";
import { deepEqual, equal, match, ok } from "./assert.ts";

import { gsm7Septets, HOST_LENGTH_MAX, passcodeText, SEGMENT_SEPTETS } from "../services/sms/texts.ts";

const HOSTS = ["localhost", "puffin.example", "xn--bcher-kva.example", "127.0.0.1", "[2001:db8::1]"];

for (const host of HOSTS) {
  Deno.test(`passcodeText() ends with the WebOTP line of ${host}`, () => {
    equal(passcodeText("012345", host).split("\n").at(-1), `@${host} #012345`);
  });
}

Deno.test("passcodeText() drops the port, which a WebOTP line cannot hold", () => {
  equal(passcodeText("012345", "localhost:3000").split("\n").at(-1), "@localhost #012345");
  equal(passcodeText("012345", "[::1]:3000").split("\n").at(-1), "@[::1] #012345");
});

Deno.test("passcodeText() names the service and says not to share the code", () => {
  match(passcodeText("012345", "puffin.example"), /^012345 is your PuffinTalk code\. Do not share it\.\n/);
});

Deno.test("passcodeText() is one GSM-7 segment for every host that may be configured", () => {
  const host = fc.string({
    unit: fc.constantFrom(..."abcxyz0189-."),
    minLength: 1,
    maxLength: HOST_LENGTH_MAX,
  });
  const longest = "x".repeat(HOST_LENGTH_MAX);
  const address = "[2001:0db8:1111:2222:3333:4444:5555:6666]";
  fc.assert(fc.property(fc.oneof(host, fc.constantFrom(longest, address)), (name) => {
    const septets = gsm7Septets(passcodeText("987654", name));
    ok(septets !== null && septets <= SEGMENT_SEPTETS);
  }));
});

Deno.test("gsm7Septets() counts an extended character as two and knows nothing outside the alphabet", () => {
  const counted = ["", "abc", "@\n", "[a]", "\u20ac", "\u00e9", "\u00e7", "`", "\u4f60", "\ud83d\ude00"];
  deepEqual(counted.map(gsm7Septets), [0, 3, 2, 5, 2, 1, null, null, null, null]);
});

Deno.test("gsm7Septets() knows the 127 characters of the basic table and the ten of the extension", () => {
  const everyCharacter = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));
  equal(everyCharacter.filter((character) => gsm7Septets(character) === 1).length, 127);
  equal(everyCharacter.filter((character) => gsm7Septets(character) === 2).length, 10);
});
