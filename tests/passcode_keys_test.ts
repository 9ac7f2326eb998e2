import fc from "fast-check";
import { equal, match, notEqual, ok, throws } from "./assert.ts";

import { createPasscodeKeys, isSameCode } from "../services/passcodes/passcode_keys.ts";

const NOW = "the secret that signs now, of 32 bytes";
const BEFORE = "the secret from before, of 32 bytes";

function seed(changes = {}) {
  return {
    phone_number: "+14155550101",
    purpose: "signup" as const,
    nonce: new Uint8Array(16).fill(7),
    key_id: createPasscodeKeys([NOW]).currentId,
    ...changes,
  };
}

const anyNonce = fc.uint8Array({ minLength: 16, maxLength: 16 });

Deno.test("derive() makes six digits, the same for the same seed", () => {
  fc.assert(fc.property(anyNonce, (nonce) => {
    const code = createPasscodeKeys([NOW]).derive(seed({ nonce }));
    match(code!, /^\d{6}$/);
    equal(createPasscodeKeys([NOW]).derive(seed({ nonce })), code);
  }));
});

Deno.test("derive() depends on the secret, the number, the purpose and the nonce", () => {
  const keys = createPasscodeKeys([NOW]);
  const other = createPasscodeKeys([BEFORE]);
  const code = keys.derive(seed());

  notEqual(other.derive(seed({ key_id: other.currentId })), code);
  notEqual(keys.derive(seed({ phone_number: "+14155550102" })), code);
  notEqual(keys.derive(seed({ purpose: "signin" })), code);
  notEqual(keys.derive(seed({ nonce: new Uint8Array(16).fill(8) })), code);
});

Deno.test("derive() returns the code for every secret in the list, and null for other secrets", () => {
  const before = createPasscodeKeys([BEFORE]);
  const old = seed({ key_id: before.currentId });
  const rotated = createPasscodeKeys([NOW, BEFORE]);

  equal(rotated.derive(old), before.derive(old));
  equal(rotated.currentId, createPasscodeKeys([NOW]).currentId);
  equal(createPasscodeKeys([NOW]).derive(old), null);
});

Deno.test("derive() spreads its codes evenly", () => {
  const keys = createPasscodeKeys([NOW]);
  const first = Array.from({ length: 10 }, () => 0);
  for (let n = 0; n < 5_000; n++) {
    const nonce = new Uint8Array(16);
    new DataView(nonce.buffer).setUint32(0, n);
    first[Number(keys.derive(seed({ nonce }))![0])]! += 1;
  }
  // 500 each, with a standard deviation of 21; the seeds are fixed, so this never fails by chance.
  ok(first.every((count) => Math.abs(count - 500) < 100), String(first));
});

Deno.test("currentId reveals nothing about the secret but whether it is another one", () => {
  const ids = [NOW, BEFORE].map((secret) => createPasscodeKeys([secret]).currentId);
  notEqual(ids[0], ids[1]);
  ids.forEach((id) => match(id, /^[0-9a-f]{16}$/));
});

Deno.test("createPasscodeKeys() refuses to work without a secret", () => {
  throws(() => createPasscodeKeys([]), /there is no secret/);
});

Deno.test("isSameCode() compares any two texts for equality", () => {
  const digits = fc.string({ unit: fc.constantFrom("0", "1"), minLength: 0, maxLength: 3 });
  fc.assert(fc.property(digits, digits, (a, b) => equal(isSameCode(a, b), a === b)));
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => equal(isSameCode(a, b), a === b)));
});
