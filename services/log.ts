// One line a happening. Only fields that are named here by the caller are written: never a full phone number, a
// passcode, a token, a text or a query string. An error's parameters stay out as well.

import { configureSync, getLogger, getTextFormatter, type LogRecord } from "@logtape/logtape";

const CATEGORY = ["puffintalk"];

export const log = getLogger(CATEGORY);

let writeRecord = (_record: LogRecord) => {};

/** Where lines go and how they look: JSON for machines, plain text for a terminal. Without this nothing is logged. */
export function configureLogging(format: "json" | "pretty", write: (line: string) => void): void {
  const line = format === "json" ? jsonLine : getTextFormatter({
    timestamp: "time",
    level: "FULL",
    category: () => "",
    format: ({ timestamp, level, record }) =>
      `${timestamp} ${level} ${record.message.join("")}${pretty(record)}`,
  });
  writeRecord = (record) => write(line(record));
  configureSync({
    reset: true,
    sinks: { lines: writeRecord },
    loggers: [
      { category: CATEGORY, sinks: ["lines"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "warning" },
    ],
  });
}

/** As `log.info("request", fields)`, straight to where lines go: there is one for every request. */
export function logRequest(properties: Record<string, unknown>): void {
  const message = ["request"];
  writeRecord({
    timestamp: Date.now(),
    level: "info",
    category: CATEGORY,
    message,
    rawMessage: "request",
    properties,
  });
}

/** What getJsonLinesFormatter() writes as well, for less: there is a line for every request. */
function jsonLine({ timestamp, level, message, category, properties }: LogRecord): string {
  const head = `{"@timestamp":"${isoTime(timestamp)}","level":"${
    level === "warning" ? "WARN" : level.toUpperCase()
  }","message":${JSON.stringify(message.join(""))},"logger":"${category.join(".")}"`;
  const fields = JSON.stringify(properties);
  return fields === "{}" ? `${head}}\n` : `${head},${fields.slice(1)}\n`;
}

let lastTime = { ms: NaN, text: "" };

/** A busy service writes many lines in a millisecond. */
function isoTime(ms: number): string {
  if (ms !== lastTime.ms) lastTime = { ms, text: new Date(ms).toISOString() };
  return lastTime.text;
}

function pretty({ properties }: LogRecord): string {
  const fields = Object.entries(properties).filter(([, value]) => value !== undefined && value !== null);
  return fields.map(([name, value]) =>
    `  ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`
  ).join("");
}

/**
 * What of an error may be logged. The message of a database error can hold values, and so can its detail: its code
 * and the names in it say enough.
 */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  const frames = (error.stack ?? "").split("\n").filter((frame) => /^\s+at /.test(frame)).slice(0, 8);
  const isDatabaseError = error.name === "PostgresError";
  return {
    error: error.name,
    ...(isDatabaseError ? {} : { reason: error.message }),
    ...pick(error, ["code", "constraint_name", "table_name", "routine"]),
    stack: frames.map((frame) => frame.trim()).join(" | "),
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}

function pick(error: Error, names: string[]): Record<string, unknown> {
  const fields = new Map<string, unknown>(Object.entries(error));
  return Object.fromEntries(names.filter((name) => fields.has(name)).map((name) => [name, fields.get(name)]));
}
