// The cache of recent entries: which it keeps, and for how long.

import { createRecent } from "../services/recent.ts";
import { deepEqual, equal } from "./assert.ts";
import { eventually } from "./support.ts";

Deno.test("used entries are kept from turn to turn, and unused ones are gone after two", async () => {
  const recent = createRecent<number>({ turnMs: 50, max: 100 });
  recent.set("used", 1);
  recent.set("left", 2);
  await eventually(() => {
    equal(recent.get("used"), 1);
    return recent.size() === 1;
  });
  equal(recent.get("left"), undefined);
  await eventually(() => recent.size() === 0);
  equal(recent.get("used"), undefined);
});

Deno.test("older entries are forgotten when there is no room, and never more than twice the limit is kept", () => {
  const recent = createRecent<number>({ turnMs: 60_000, max: 10 });
  for (let key = 0; key < 1_000; key += 1) {
    recent.set(`${key}`, key);
    equal(recent.get(`${key}`), key);
    equal(recent.size() <= 20, true);
  }
  equal(recent.get("979"), undefined);
  equal(recent.get("995"), 995);
});

Deno.test("a deleted entry is gone, whichever generation it is in", () => {
  const recent = createRecent<string>({ turnMs: 60_000, max: 2 });
  for (const key of ["old", "older", "new"]) recent.set(key, key);
  recent.delete("old");
  recent.delete("new");
  equal(recent.get("old"), undefined);
  equal(recent.get("older"), "older");
  equal(recent.get("new"), undefined);
});

Deno.test("clearing empties both generations", () => {
  const recent = createRecent<string>({ turnMs: 60_000, max: 2 });
  for (const key of ["old", "older", "new"]) recent.set(key, key);
  recent.clear();
  deepEqual(["old", "older", "new"].map(recent.get), [undefined, undefined, undefined]);
  equal(recent.size(), 0);
});
