/**
 * Ends the connection below a WebSocket whose client does not answer our close frame. Deno has no public call for that,
 * and its idle limit no longer looks at a socket that is closing, so such a client would keep its connection for ever.
 * On a version of Deno that hides this differently it does nothing; a test tells.
 */
export function terminate(socket: WebSocket): void {
  const resource = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "[[rid]]");
  const inside = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  const id = resource && Reflect.get(socket, resource);
  if (typeof id === "number") inside?.core?.tryClose?.(id);
}
