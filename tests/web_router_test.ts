// The router of the web client, with a history that only records.

import { deepEqual } from "./assert.ts";

/** Imported dynamically, because it has the types of browsers, which conflict with those of Deno. */
const ROUTER: string = new URL("../web/app/router.ts", import.meta.url).href;
const { createRouter } = await import(ROUTER);

/** Runs with the globals of a browser that the router needs. */
function withHistory(run: () => void): void {
  const history = { state: null as unknown, replaceState: remember, pushState: remember, back() {} };
  function remember(state: unknown): void {
    history.state = state;
  }
  const location = { hash: "", pathname: "/app", search: "" };
  const before = ["history", "location"].map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const
  );
  for (const [name, value] of Object.entries({ history, location })) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  try {
    run();
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  }
}

Deno.test("a guard that is removed twice takes no other guard with it, not even one of the same function", () =>
  withHistory(() => {
    const router = createRouter(() => undefined);
    const closed: string[] = [];
    const closeOuter = () => void closed.push("outer");
    router.guard(closeOuter);
    const removeAgain = router.guard(closeOuter);
    const removeInner = router.guard(() => void closed.push("inner"));
    router.back();
    removeInner();
    removeInner();
    router.back();
    removeAgain();
    removeAgain();
    router.back();
    deepEqual(closed, ["inner", "outer", "outer"]);
  }));
