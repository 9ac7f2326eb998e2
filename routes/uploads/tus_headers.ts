// The headers of tus 1.0, for CORS and for the OpenAPI document.

export const TUS_VERSION = "1.0.0";

/** Response headers that browsers have to be allowed to read (tus 1.0, CORS). */
export const TUS_HEADERS = [
  "Location",
  "Tus-Extension",
  "Tus-Max-Size",
  "Tus-Resumable",
  "Tus-Version",
  "Upload-Expires",
  "Upload-Length",
  "Upload-Metadata",
  "Upload-Offset",
];

type Schema = { type: "integer"; minimum: number } | { type: "string"; enum?: string[] };

const LENGTH: Schema = { type: "integer", minimum: 0 };
const TEXT: Schema = { type: "string" };

/** Request headers. */
export const ASKED = {
  version: asked("Tus-Resumable", { type: "string", enum: [TUS_VERSION] }, "The version of tus"),
  length: asked("Upload-Length", LENGTH, "The total number of bytes"),
  metadata: asked(
    "Upload-Metadata",
    TEXT,
    "Keys, each with a value in base64: `media_type YXVkaW8=,filename YS5vZ2c=`",
  ),
  offset: asked("Upload-Offset", LENGTH, "The offset of these bytes"),
};

/** Response headers, by name. */
export const TOLD = {
  location: { "Location": told(TEXT, "The upload") },
  progress: {
    "Upload-Offset": told(LENGTH, "How many bytes are stored; absent for an upload created without any"),
    "Upload-Expires": told(
      TEXT,
      "When it is dropped if nothing arrives (RFC 9110, section 5.6.7); absent for a complete one",
    ),
  },
  plan: {
    "Upload-Length": told(LENGTH, "The total number of bytes"),
    "Upload-Metadata": told(TEXT, "As given by the client"),
  },
};

function asked(name: string, schema: Schema, description: string) {
  return { name, in: "header" as const, required: true, schema, description };
}

function told(schema: Schema, description: string) {
  return { schema, description };
}
