// All scenarios, in the order of their targets.

import type { Scenario } from "../arena.ts";
import { contacts } from "./contacts.ts";
import { growth } from "./growth.ts";
import { history } from "./history.ts";
import { media } from "./media.ts";
import { processes } from "./processes.ts";
import { sends } from "./sends.ts";
import { sockets } from "./sockets.ts";
import { start } from "./start.ts";

export const SCENARIOS: Scenario[] = [
  sends(128, 1, {
    times_insert_floor: { atLeast: 1.25 },
    server_cpu_s_per_1000: { atMost: 0.03 },
    server_postgres_cpu_s_per_1000: { atMost: 0.045 },
  }),
  sends(32, 2, { times_insert_floor: { atLeast: 0.8 }, p99_ms: { atMost: 6 } }),
  sends(1, 3, { p50_ms: { atMost: 0.35 }, p99_ms: { atMost: 0.9 } }),
  history,
  contacts,
  sockets,
  media("media-small", ({ media: [small] }) => small),
  media("media-large", ({ media: [, large] }) => large),
  growth,
  start,
  processes,
];
