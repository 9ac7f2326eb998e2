// Metrics for Prometheus, by prom-client. Nothing here identifies a person: requests are counted by their
// route's pattern, as in the log, and SMS by their outcome.

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { SmsSender } from "./sms/sender.ts";

/** An answered request. A type and not an interface, because the log takes it as the fields of its line. */
export type Answered = {
  method: string;
  /** The pattern of its route. */
  route: string;
  status: number;
  /** Error code, if the answer was an error. */
  code: string | undefined;
  ms: number;
};

/** Values that are read when metrics are requested. */
export interface Looks {
  requestsUnderWay(): number;
  sockets(): number;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
}

export interface Metrics {
  count(request: Answered): void;
  /** Wraps a sender to count its SMS. */
  counting<Sender extends SmsSender>(sms: Sender): Sender;
  watch(looks: Looks): void;
  /** All metrics in the text format of Prometheus (exposition formats, 0.0.4). */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Histogram buckets in seconds: a send takes 0.001 to 0.03, a film over a slow line takes minutes. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
/** Present from the start at 0, so that the first one of a kind shows as an increase. */
const SMS_OUTCOMES = ["sent", "sms_failed", "sms_not_allowed", "sms_opted_out"];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({
    name: "http_request_duration_seconds",
    help: "Duration of answered requests",
    labelNames: ["method", "route", "status"],
    buckets: SECONDS,
    registers,
  });
  const errors = new Counter({
    name: "puffintalk_errors_total",
    help: "Error responses, by code",
    labelNames: ["code"],
    registers,
  });
  const sent = new Counter({
    name: "puffintalk_sms_total",
    help: "SMS handed to the provider, by outcome",
    labelNames: ["outcome"],
    registers,
  });
  SMS_OUTCOMES.forEach((outcome) => sent.inc({ outcome }, 0));
  addProcess(registry);

  return {
    count({ method, route, status, code, ms }) {
      requests.observe({ method, route, status }, ms / 1000);
      if (code !== undefined) errors.inc({ code });
    },
    counting: (sms) => ({
      ...sms,
      async send(to, text) {
        const outcome = await sms.send(to, text);
        sent.inc({ outcome: outcome.sent ? "sent" : outcome.refusal });
        return outcome;
      },
    }),
    watch({ requestsUnderWay, sockets, isReady }) {
      addGauge(registry, "http_requests_under_way", "Requests not answered yet", requestsUnderWay);
      addGauge(registry, "puffintalk_sockets", "Open WebSockets of this process", sockets);
      addGauge(
        registry,
        "puffintalk_ready",
        "1 if the database answers, else 0",
        async () => Number(await isReady()),
      );
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** The names are the customary ones. prom-client's own collectors would read files of the system. */
function addProcess(registry: Registry): void {
  const startedAt = Date.now() / 1000 - process.uptime();
  addGauge(
    registry,
    "process_start_time_seconds",
    "Start time of the process, in seconds since 1970",
    () => startedAt,
  );
  addGauge(
    registry,
    "process_resident_memory_bytes",
    "Resident memory of the process",
    () => Deno.memoryUsage().rss,
  );
  addGauge(registry, "process_heap_bytes", "Size of V8's heap", () => Deno.memoryUsage().heapTotal);
  addGauge(registry, "process_event_loop_lag_seconds", "Current lag of the event loop", async () => {
    const at = performance.now();
    await setImmediate();
    return (performance.now() - at) / 1000;
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time that the process has used",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}

function addGauge(
  registry: Registry,
  name: string,
  help: string,
  look: () => number | Promise<number>,
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      this.set(await look());
    },
  });
}
