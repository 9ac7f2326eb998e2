import type { HonoRequest } from "hono";

/** Browsers send some hundred characters. To parse 64 KiB, which a head may have, takes up to 70 ms. */
const CHARACTERS_MAX = 1_024;

/**
 * The header in which a client states its preferences (RFC 9110, section 12.5); undefined if it is missing or
 * too long.
 */
export function preference(
  request: HonoRequest,
  name: "Accept" | "Accept-Encoding" | "Accept-Language",
): string | undefined {
  const header = request.header(name);
  return header !== undefined && header.length <= CHARACTERS_MAX ? header : undefined;
}
