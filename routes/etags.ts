/** Whether a client has it already, by its If-None-Match: compared weakly (RFC 9110, section 13.1.2). */
export function hasAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? "").split(",").map((one) => one.trim())
    .some((one) => one === "*" || one.replace(/^W\//, "") === etag);
}
