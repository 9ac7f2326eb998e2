import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

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
    match(method, path) {
      if (!spelledOut.has(path)) return trie.match(method, path);
      const key = `${method} ${path}`;
      const known = found.get(key);
      if (known) return known;
      const result = trie.match(method, path);
      if (METHODS.has(method)) found.set(key, result);
      return result;
    },
  };
}

/** What a route may have: who invents methods must not fill the memory. */
const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
