import { AppError } from "../../services/errors.ts";

const QUOTED_MAX = 32;

/**
 * Bodies are taken as they are: what is packed could be of any size, and would be stored as something else.
 * @throws AppError unsupported_media_type
 */
export function judgeEncoding({ headers }: Request): void {
  const coding = headers.get("content-encoding")?.trim() ?? "";
  if (coding === "" || coding.toLowerCase() === "identity") return;
  const message = `Must be identity or absent, not "${coding.slice(0, QUOTED_MAX)}"`;
  throw new AppError("unsupported_media_type", { issues: [{ path: "Content-Encoding", message }] });
}
