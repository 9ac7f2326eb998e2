import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/**
 * The methods that a route can have. Only these are looked up and cached: invented methods must not fill the
 * memory, and one named like a property of every object would break the trie, which would take `constructor`
 * for handlers.
 */
export const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/**
 * Stands for any other method. It finds only the handlers that are registered for all methods, which answer
 * 404 or 405.
 */
export const NO_METHOD = "-";

/**
 * Finds the handlers of a request as the framework's own router does, and caches the result for paths without
 * a parameter: these are few, and are requested most.
 */
export function createCachingRouter<Handler>(): Router<Handler> {
  const trie = new TrieRouter<Handler>();
  const spelledOut = new Set<string>();
  const found = new Map<string, Result<Handler>>();
  return {
    name: "CachingRouter",
    add(method, path, handler) {
      trie.add(method, path, handler);
      if (!/[:*]/.test(path)) spelledOut.add(path);
      found.clear();
    },
    match(method, asked) {
      // A leading `*` is also the key under which the trie keeps the handlers of every address.
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
