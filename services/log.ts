// The log: one line per event. Only fields that the caller names are written; never a full phone number,
// passcode, token, text or query string. Parameters of errors are left out as well.

import { configureSync, getLogger, getTextFormatter, type LogRecord } from "@logtape/logtape";

const CATEGORY = ["puffintalk"];

export const log = getLogger(CATEGORY);

let writeRecord = (_record: LogRecord) => {};

/**
 * Sets the destination and format of lines: JSON for machines, plain text for a terminal. Until this is
 * called nothing is logged.
 */
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

/** Like `log.info("request", fields)`, but bypasses the logger, because there is one line per request. */
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

/** The output of getJsonLinesFormatter(), at less cost, because there is a line per request. */
function jsonLine({ timestamp, level, message, category, properties }: LogRecord): string {
  const head = `{"@timestamp":"${isoTime(timestamp)}","level":"${
    level === "warning" ? "WARN" : level.toUpperCase()
  }","message":${JSON.stringify(message.join(""))},"logger":"${category.join(".")}"`;
  const fields = JSON.stringify(properties);
  return fields === "{}" ? `${head}}\n` : `${head},${fields.slice(1)}\n`;
}

let lastTime = { ms: NaN, text: "" };

/** Cached, because a busy service writes many lines per millisecond. */
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
 * The parts of an error that may be logged. The message and detail of a database error can hold values, so
 * only its code and the names in it are used.
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
