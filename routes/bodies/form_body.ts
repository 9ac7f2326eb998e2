// Reads the body of an HTML form. Unknown fields are refused, as in JSON bodies: no person typed them.

import type { Context } from "hono";
import { AppError } from "../../services/errors.ts";
import type { AppEnv } from "../env.ts";
import { judgeEncoding } from "./content_encoding.ts";
import { readBytes } from "./json_body.ts";

const FORM_BYTES_MAX = 65_536;

/** @throws AppError unsupported_media_type, too_large, invalid_json, request_timeout */
export async function readParameters(c: Context<AppEnv>): Promise<URLSearchParams> {
  judgeEncoding(c.req.raw);
  const type = (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") throw new AppError("unsupported_media_type");
  const bytes = await readBytes(c.req.raw, {
    bytesMax: FORM_BYTES_MAX,
    refusal: () => new AppError("too_large", { maxBytes: FORM_BYTES_MAX }),
  });
  return new URLSearchParams(new TextDecoder().decode(bytes));
}

/** @throws AppError invalid_input, and those of `readParameters` */
export async function readForm<Field extends string>(
  c: Context<AppEnv>,
  known: readonly Field[],
): Promise<Partial<Record<Field, string>>> {
  const fields: Partial<Record<Field, string>> = {};
  for (const [name, value] of await readParameters(c)) {
    const field = known.find((known) => known === name);
    if (!field) throw refusal("Is not a known field");
    if (field in fields) throw refusal("Is given twice");
    if (value.includes("\0")) throw refusal("Has a NUL");
    fields[field] = value;
  }
  return fields;
}

/** Does not repeat the field's name, which the client chose freely. */
function refusal(message: string): AppError {
  return new AppError("invalid_input", { issues: [{ path: "", message }] });
}
