import { AppError } from "../../services/errors.ts";

const QUOTED_MAX = 32;

/**
 * Refuses compressed bodies: unpacked they could be of any size, and what is stored would not be what was
 * sent.
 * @throws AppError unsupported_media_type
 */
export function judgeEncoding({ headers }: Request): void {
  const coding = headers.get("content-encoding")?.trim() ?? "";
  if (coding === "" || coding.toLowerCase() === "identity") return;
  const message = `Must be identity or absent, not "${coding.slice(0, QUOTED_MAX)}"`;
  throw new AppError("unsupported_media_type", { issues: [{ path: "Content-Encoding", message }] });
}
