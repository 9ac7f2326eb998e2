import { deepEqual, equal } from "./assert.ts";

import { parsePhoneNumber, type PhoneNumber } from "../services/phone_number.ts";
import { createConsoleSms } from "../services/sms/console.ts";

const ANN = parsePhoneNumber("+14155550123") as PhoneNumber;
const BOB = parsePhoneNumber("+14155550124") as PhoneNumber;

function createScene() {
  const printed: string[] = [];
  let clockMs = 0;
  const sms = createConsoleSms({ print: (text) => printed.push(text), now: () => new Date(++clockMs) });
  return { sms, printed };
}

Deno.test("send() prints the number and the text, and costs nothing", async () => {
  const { sms, printed } = createScene();

  deepEqual(await sms.send(ANN, "hello\n@localhost #123456"), { sent: true, provider_id: null });

  deepEqual(printed, [`SMS to ${ANN}\nhello\n@localhost #123456`]);
  equal(sms.paid, false);
});

Deno.test("sent() lists the newest SMS first, to everybody or to one number", async () => {
  const { sms } = createScene();
  await sms.send(ANN, "one");
  await sms.send(BOB, "two");
  await sms.send(ANN, "three");

  deepEqual(sms.sent().map((kept) => kept.text), ["three", "two", "one"]);
  deepEqual(sms.sent(ANN), [
    { to: ANN, text: "three", at: new Date(3) },
    { to: ANN, text: "one", at: new Date(1) },
  ]);
});

Deno.test("sent() keeps the newest 1,000", async () => {
  const { sms } = createScene();
  for (let number = 1; number <= 1_001; number++) await sms.send(ANN, String(number));

  const texts = sms.sent().map((kept) => kept.text);
  deepEqual([texts.length, texts.at(0), texts.at(-1)], [1_000, "1001", "2"]);
});

Deno.test("sent() returns a copy of the list", async () => {
  const { sms } = createScene();
  await sms.send(ANN, "one");
  sms.sent().pop();

  equal(sms.sent().length, 1);
});
