/** Whether If-None-Match has this ETag, by weak comparison (RFC 9110, section 13.1.2). */
export function hasAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? "").split(",").map((one) => one.trim())
    .some((one) => one === "*" || one.replace(/^W\//, "") === etag);
}
