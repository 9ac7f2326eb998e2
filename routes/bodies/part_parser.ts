// Parses the only part of a multipart body (RFC 7578; RFC 2046, section 5.1) as it arrives, without holding
// its content.

import { Buffer } from "node:buffer";
// @ts-types="./streamsearch.d.ts"
import StreamSearch from "streamsearch";
import { AppError } from "../../services/errors.ts";

/** RFC 2046, section 5.1.1. */
const BOUNDARY_LETTERS_MAX = 70;
/** The largest allowed head of the part. */
const HEAD_BYTES_MAX = 8_192;
const HEAD_END = "\r\n\r\n";

/**
 * Where in the body the parser is. At `delimiter` one has been found, and the next bytes tell whether it is
 * the last.
 */
type Place = "before" | "delimiter" | "head" | "part" | "after";

export interface PartParser {
  /** The bytes of the part among these bytes of the body. @throws AppError invalid_input */
  push(bytes: Uint8Array): Uint8Array[];
  /**
   * To be called at the end of the body. @throws AppError invalid_input if the last delimiter has not come
   */
  end(): void;
}

/**
 * @param contentType of the body; it has the boundary
 * @param wanted the name that the part must have
 * @throws AppError invalid_input
 */
export function createPartParser(contentType: string, wanted: string): PartParser {
  const search = new StreamSearch(
    `\r\n--${boundaryOf(contentType)}`,
    (isDelimiter, data, start, end, isKept) => {
      if (data) take(isKept ? data.subarray(start, end) : Buffer.from(data.subarray(start, end)));
      if (isDelimiter) beginDelimiter();
    },
  );
  let place: Place = "before";
  /** Whether the part has come and ended. */
  let hasPart = false;
  /** What has come since the delimiter. */
  let head = Buffer.alloc(0);
  let found: Uint8Array[] = [];

  function beginDelimiter(): void {
    if (place === "after") return;
    if (place === "delimiter" || place === "head") throw notWhole();
    hasPart = place === "part";
    place = "delimiter";
    head = Buffer.alloc(0);
  }

  function take(bytes: Buffer): void {
    if (place === "part") found.push(bytes);
    else if (place === "delimiter" || place === "head") {
      head = Buffer.concat([head, bytes]);
      if (place === "delimiter" && head.length >= 2) place = judgeDelimiter();
      if (place === "head") readHead(bytes.length);
    }
  }

  function judgeDelimiter(): Place {
    const isLast = head.toString("latin1", 0, 2) === "--";
    if (isLast && !hasPart) throw badPart("Is missing", wanted);
    if (!isLast && hasPart) throw badPart("Has to be the only part", wanted);
    return isLast ? "after" : "head";
  }

  function readHead(bytesNew: number): void {
    const end = head.indexOf(HEAD_END, Math.max(0, head.length - bytesNew - HEAD_END.length));
    if (end > HEAD_BYTES_MAX || (end === -1 && head.length > HEAD_BYTES_MAX)) throw notWhole();
    if (end === -1) return;
    const name = nameOf(head.toString("utf8", 0, end));
    if (name === null) throw badPart("Is missing; there is a part without a name", wanted);
    if (name !== wanted) throw badPart(`Is not expected; the only part is ${wanted}`, name);
    place = "part";
    if (head.length > end + HEAD_END.length) found.push(head.subarray(end + HEAD_END.length));
  }

  // The line break before a delimiter belongs to it, and the first delimiter may have none.
  search.push("\r\n");
  return {
    push(bytes) {
      found = [];
      search.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      return found;
    },
    end() {
      search.destroy();
      if (place !== "after") throw notWhole();
    },
  };
}

function boundaryOf(contentType: string): string {
  const boundary = parameterOf(contentType, "boundary");
  if (!boundary) throw badPart("The Content-Type has no boundary");
  if (boundary.length > BOUNDARY_LETTERS_MAX) {
    throw badPart(`The boundary in the Content-Type has more than ${BOUNDARY_LETTERS_MAX} characters`);
  }
  return boundary;
}

/**
 * The name of a part, by its head; null if it has none. A line that begins with a blank continues the one
 * before.
 */
function nameOf(head: string): string | null {
  const disposition = head.replaceAll(/\r\n[ \t]/g, " ")
    .match(/\r\ncontent-disposition:[ \t]*form-data[ \t]*(;.*|\r|$)/i)?.[1];
  return parameterOf(disposition ?? "", "name");
}

/**
 * `; name=value` or `; name="value"` (RFC 9110, section 5.6.6). Never backtracks: a client may send 64 KiB of
 * it.
 */
const PARAMETER = /;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))/g;

/** The first parameter of this name, whatever its case; null if there is none. */
function parameterOf(header: string, wanted: string): string | null {
  for (const [, name, quoted, bare] of header.matchAll(PARAMETER)) {
    if (name!.toLowerCase() === wanted) return quoted?.replaceAll(/\\(.)/g, "$1") ?? bare!;
  }
  return null;
}

function notWhole(): AppError {
  return badPart("The body is not whole multipart/form-data");
}

function badPart(message: string, path = "file"): AppError {
  return new AppError("invalid_input", { issues: [{ path, message }] });
}
