import type { HonoRequest } from "hono";

/** Browsers send some hundred letters. To weigh the parts of 64 KiB, which a head may have, takes up to 70 ms. */
const LETTERS_MAX = 1_024;

/** What a client likes best (RFC 9110, section 12.5); of one that says too much nothing is known. */
export function preference(
  request: HonoRequest,
  name: "Accept" | "Accept-Encoding" | "Accept-Language",
): string | undefined {
  const header = request.header(name);
  return header !== undefined && header.length <= LETTERS_MAX ? header : undefined;
}
