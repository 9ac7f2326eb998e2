import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/**
 * What a route may have. Who invents methods must not fill the memory, nor name what every object has: the trie would take
 * `constructor` for handlers.
 */
export const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** What a request of any other comes to: the handlers of all methods, which answer 404 or 405. */
export const NO_METHOD = "-";

/**
 * Finds the handlers of a request as the framework does, and remembers what it found for those addresses that routes spell
 * out in full: there are few, and they are asked for most.
 */
export function createRememberingRouter<Handler>(): Router<Handler> {
  const trie = new TrieRouter<Handler>();
  const spelledOut = new Set<string>();
  const found = new Map<string, Result<Handler>>();
  return {
    name: "RememberingRouter",
    add(method, path, handler) {
      trie.add(method, path, handler);
      if (!/[:*]/.test(path)) spelledOut.add(path);
      found.clear();
    },
    match(method, asked) {
      // For the trie a star in the first place is also the name under which it keeps what is for every address.
      const path = asked.replace(/^\/?\*/, "/-");
      if (!METHODS.has(method)) return trie.match(NO_METHOD, path);
      if (!spelledOut.has(path)) return trie.match(method, path);
      const key = `${method} ${path}`;
      const result = found.get(key) ?? trie.match(method, path);
      found.set(key, result);
      return result;
    },
  };
}
