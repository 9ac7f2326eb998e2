/**
 * The assertions of all tests: strict, with a diff. In Deno 2.9, `equal`, `deepEqual` and the like of
 * node:assert/strict are the loose ones, for which null equals undefined and 1 equals "1"; Node's own are
 * strict.
 */
export {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  doesNotThrow,
  match,
  notStrictEqual as notEqual,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert/strict";
