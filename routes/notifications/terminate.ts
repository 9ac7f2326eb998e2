/**
 * Cuts the connection of a WebSocket whose client does not answer our close frame. Deno has no public call
 * for that, and its idle limit does not cover a closing socket, so such a client would keep its connection
 * for ever. If a version of Deno hides its internals differently this does nothing; a test notices that.
 */
export function terminate(socket: WebSocket): void {
  const resource = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "[[rid]]");
  const inside = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  const id = resource && Reflect.get(socket, resource);
  if (typeof id === "number") inside?.core?.tryClose?.(id);
}
