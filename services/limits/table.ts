// All limits that the variable LIMITS can change, as data. The rules for passcodes per number and for
// invitations are not here: they always apply.

import type { Rate } from "./bucket.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface Limit {
  /** What each count is kept for; text for the README. */
  readonly key: string;
  /**
   * `database`: shared by all processes, survives restarts, and nothing is allowed while the database is
   * away. `memory`: per process and lost at a restart; does not need the database.
   */
  readonly store: "database" | "memory";
  /** Whether it applies only to SMS that cost money. */
  readonly paidOnly: boolean;
  /** What is counted; text for the README. */
  readonly about: string;
}

interface RateLimit extends Limit {
  /** All of them have to allow a use. */
  readonly rates: readonly Rate[];
}

interface CountLimit extends Limit {
  readonly count: number;
}

export const RATE_LIMITS = {
  sms_address: {
    key: "address",
    rates: [{ burst: 60, periodMs: HOUR_MS }, { burst: 300, periodMs: DAY_MS }],
    store: "database",
    paidOnly: true,
    about: "SMS requested by one address",
  },
  sms_prefix: {
    key: "number without its last four digits",
    rates: [{ burst: 30, periodMs: HOUR_MS }],
    store: "database",
    paidOnly: true,
    about: "SMS to neighbouring numbers, as in SMS pumping",
  },
  sms_dial_code: {
    key: "country code of the number",
    rates: [{ burst: 200, periodMs: DAY_MS }],
    store: "database",
    paidOnly: true,
    about: "SMS to all numbers under one country code; the log warns when 60 % are used",
  },
  sms_service: {
    key: "the whole service",
    rates: [{ burst: 1_000, periodMs: DAY_MS }],
    store: "database",
    paidOnly: true,
    about: "SMS in total; the log warns when 60 % are used",
  },
  passcode_address: {
    key: "address",
    rates: [{ burst: 100, periodMs: HOUR_MS }],
    store: "database",
    paidOnly: false,
    about: "wrong passcodes for any number; answered `too_many_attempts`",
  },
  reveal_address: {
    key: "address",
    rates: [{ burst: 60, periodMs: HOUR_MS }],
    store: "database",
    paidOnly: false,
    about: "answers that reveal whether a number has an account: 409, 404, an invitation",
  },
  messages: {
    key: "sender and receiver",
    rates: [{ burst: 60, periodMs: MINUTE_MS }],
    store: "memory",
    paidOnly: false,
    about: "messages stored; a repeated `client_id` is free",
  },
  requests_user: {
    key: "user",
    rates: [{ burst: 20, periodMs: DAY_MS }],
    store: "database",
    paidOnly: false,
    about: "friend requests that change something, except those that accept",
  },
  requests_pair: {
    key: "user and person asked",
    rates: [{ burst: 3, periodMs: DAY_MS }],
    store: "database",
    paidOnly: false,
    about: "the same to one person, including those that accept",
  },
  uploads: {
    key: "user",
    rates: [{ burst: 50, periodMs: MINUTE_MS }],
    store: "memory",
    paidOnly: false,
    about: "uploads started, in one piece or resumable",
  },
} as const satisfies Record<string, RateLimit>;

export const COUNT_LIMITS = {
  sockets_user: {
    key: "user",
    count: 20,
    store: "memory",
    paidOnly: false,
    about: "open sockets; one more closes the oldest with 4002",
  },
  sockets_address: {
    key: "address",
    count: 20_000,
    store: "memory",
    paidOnly: false,
    about: "open sockets",
  },
} as const satisfies Record<string, CountLimit>;

export const LIMIT_TABLE = { ...RATE_LIMITS, ...COUNT_LIMITS };

export type RateName = keyof typeof RATE_LIMITS;
type CountName = keyof typeof COUNT_LIMITS;

type NamesIn<Store> = {
  [Name in RateName]: (typeof RATE_LIMITS)[Name]["store"] extends Store ? Name : never;
}[RateName];

/** The limits in the database, which guard money and guessing. */
export type SharedName = NamesIn<"database">;

/** The configured limits; null means off. */
export type Limits =
  & Readonly<Record<RateName, readonly Rate[] | null>>
  & Readonly<Record<CountName, { readonly count: number } | null>>;

/** Largest first: `formatRate` takes the first that divides the period. */
export const UNITS_MS: Readonly<Record<string, number>> = {
  d: DAY_MS,
  h: HOUR_MS,
  m: MINUTE_MS,
  s: SECOND_MS,
};

/** In the syntax of LIMITS: `60/h`, `5/10m`. */
export function formatRate({ burst, periodMs }: Rate): string {
  const [unit, ms] = Object.entries(UNITS_MS).find(([, ms]) => periodMs % ms === 0)!;
  return `${burst}/${periodMs === ms ? "" : periodMs / ms}${unit}`;
}
