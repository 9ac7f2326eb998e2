import { type AndroidApp, readAndroidApp, readIosApp } from "./app_links.ts";
import { type Environment, isLoopback, readEnvironment } from "./environment.ts";
import { DEFAULT_LIMITS, parseLimits } from "./limits/parse.ts";
import type { Limits } from "./limits/table.ts";
import type { PhoneNumber } from "./phone_number.ts";
import { type PushHosts, readPushHosts, readVapidPair, readVapidSubject } from "./push/config.ts";
import type { PushPair } from "./push/keys.ts";
import { SECRET_BYTES_MIN } from "./secrets.ts";
import {
  type Countries,
  readSms,
  readSmsCountries,
  readTestPasscodes,
  type SmsConfig,
} from "./sms/config.ts";
import { HOST_LENGTH_MAX } from "./sms/texts.ts";

/** The values of sslmode that postgres.js supports (libpq, 34.1.2). */
const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const PASSCODE_TTL_SECONDS_MAX = 31_536_000;
/** The largest large object of PostgreSQL. */
const UPLOAD_BYTES_MAX = 4_398_046_511_103;

/** Who sends invitations: the service, the inviter's own phone, or nobody. */
export type InviteMode = "server" | "device" | "off";

export interface Config {
  port: number;
  host: string;
  /** Null: an embedded database below `dataDir`. */
  databaseUrl: string | null;
  dataDir: string;
  /** An origin without a trailing slash. With port 0 its default names that port, not the one taken. */
  publicUrl: string;
  /** The first signs, all verify. Null: one is generated, and stored in `dataDir` if that can be written. */
  jwtSecrets: readonly string[] | null;
  sms: SmsConfig;
  /** Whether SMS that cost money are sent at all. */
  smsEnabled: boolean;
  /** The countries to which paid SMS may be sent. */
  smsCountries: Countries;
  /** Six digits each. */
  testPasscodes: ReadonlyMap<PhoneNumber, string>;
  passcodeTtlMs: number;
  phoneWireFormat: "e164" | "digits";
  inviteMode: InviteMode;
  /** Whether answers to sign-ups and sign-ins are the same for numbers with and without an account. */
  uniformAuth: boolean;
  /** The apps that open links of this service. */
  androidApp: AndroidApp | null;
  iosApp: string | null;
  limits: Limits;
  /** Which entry of X-Forwarded-For is believed, counted from the right; 0: the socket's address. */
  trustedProxyCount: number;
  corsOrigins: "*" | readonly string[];
  maxUploadBytes: number;
  /** Bytes that the media of one user may take up. */
  mediaQuotaBytes: number;
  /** The push services that may be used. */
  pushHosts: PushHosts;
  /** Null: the service generates one and stores it in its database. */
  vapidPair: PushPair | null;
  vapidSubject: string;
  /** Where Prometheus finds the metrics; null: nowhere. */
  metrics: { host: string; port: number } | null;
  /** Null: pretty in a terminal, json elsewhere. */
  logFormat: "json" | "pretty" | null;
}

/** One line for each bad variable: its name, what is wrong, what is accepted. Contains no secret. */
export class ConfigError extends Error {
  override name = "ConfigError";

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/**
 * Reads the configuration from environment variables; an empty one counts as unset, an unknown one as absent.
 * Production has no embedded database, so DATABASE_URL is required there.
 * @throws {ConfigError} naming every bad variable
 */
export function parseConfig(
  variables: Record<string, string | undefined>,
  { production = false }: { production?: boolean } = {},
): Config {
  const env = readEnvironment(variables);
  const sms = readSms(env);
  const port = env.wholeNumber("PORT", { min: 0, max: 65_535, otherwise: 3_000 });
  const isPaid = sms.driver !== "console";
  const host = readHost(env) ?? (isPaid ? "0.0.0.0" : "127.0.0.1");
  const publicUrl = readPublicUrl(env) ?? `http://localhost:${port}`;
  const config: Config = {
    port,
    host,
    databaseUrl: readDatabaseUrl(env, production),
    dataDir: env.text("DATA_DIR") ?? "./data",
    publicUrl,
    jwtSecrets: readJwtSecrets(env, {
      required: isPaid,
      strong: production || isPaid || !isLoopback(host),
    }),
    sms,
    smsEnabled: env.oneOf("SMS_ENABLED", ["true", "false"], "true") === "true",
    smsCountries: readSmsCountries(env, sms),
    testPasscodes: readTestPasscodes(env),
    passcodeTtlMs: 1_000 *
      env.wholeNumber("PASSCODE_TTL_SECONDS", { min: 1, max: PASSCODE_TTL_SECONDS_MAX, otherwise: 600 }),
    phoneWireFormat: env.oneOf("PHONE_WIRE_FORMAT", ["e164", "digits"], "e164"),
    inviteMode: env.oneOf("INVITE_MODE", ["server", "device", "off"], "server"),
    uniformAuth: env.oneOf("UNIFORM_AUTH", ["0", "1"], "0") === "1",
    androidApp: readAndroidApp(env),
    iosApp: readIosApp(env),
    limits: readLimits(env),
    trustedProxyCount: env.wholeNumber("TRUSTED_PROXY_COUNT", { min: 0, max: 100, otherwise: 0 }),
    corsOrigins: readCorsOrigins(env),
    maxUploadBytes: env.wholeNumber("MAX_UPLOAD_BYTES", {
      min: 1,
      max: UPLOAD_BYTES_MAX,
      otherwise: 104_857_600,
    }),
    mediaQuotaBytes: env.wholeNumber("MEDIA_QUOTA_BYTES", {
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      otherwise: 1_073_741_824,
    }),
    pushHosts: readPushHosts(env),
    vapidPair: readVapidPair(env),
    vapidSubject: readVapidSubject(env, publicUrl),
    metrics: readMetrics(env, port),
    logFormat: env.oneOf("LOG_FORMAT", ["json", "pretty"], null),
  };
  if (env.problems.length > 0) throw new ConfigError(env.problems);
  return config;
}

const NAME_OR_ADDRESS = /^([A-Za-z0-9._-]+|(?=.*:.*:)[0-9A-Fa-f:.]+)$/;
const HOST_WANTED = "Must be a host name or an IP address without a port";

function readHost(env: Environment): string | null {
  return env.matching("HOST", NAME_OR_ADDRESS, HOST_WANTED);
}

function readMetrics(env: Environment, mainPort: number): Config["metrics"] {
  const host = env.matching("METRICS_HOST", NAME_OR_ADDRESS, HOST_WANTED) ?? "127.0.0.1";
  const port = env.wholeNumber("METRICS_PORT", { min: 0, max: 65_535, otherwise: null });
  if (port !== 0 && port === mainPort) env.refuse("METRICS_PORT", "Must differ from PORT");
  return port === null ? null : { host, port };
}

function readDatabaseUrl(env: Environment, production: boolean): string | null {
  const wanted =
    "Must be a URL such as postgres://user:password@host:5432/name, with special characters percent-encoded (%23 for #)";
  if (production) env.required("DATABASE_URL", "production has no embedded database");
  const url = env.matching("DATABASE_URL", /^postgres(ql)?:\/\/./, wanted);
  if (url !== null && !isReadable(url)) env.refuse("DATABASE_URL", wanted);
  const sslMode = url === null ? null : URL.parse(url)?.searchParams.get("sslmode") ?? null;
  if (sslMode !== null && !SSL_MODES.includes(sslMode)) {
    env.refuse("DATABASE_URL", `Must have an sslmode that is one of ${SSL_MODES.join(", ")}`);
  }
  // Deno opens a Unix socket only with permission to read and write its file, and production may write
  // nothing.
  if (production && url !== null && /[?&]host=|\/\/[^/]*%2f/i.test(url)) {
    env.refuse("DATABASE_URL", "Must name a host: production cannot use a Unix socket");
  }
  return url;
}

/** Whether every part of the URL can be decoded. */
function isReadable(url: string): boolean {
  try {
    const { username, password, hostname, pathname } = new URL(url);
    return [username, password, hostname, pathname].every((part) => decodeURIComponent(part) !== null);
  } catch {
    return false;
  }
}

/** The origin, if the text is nothing more than one; otherwise null. */
function originOf(text: string): string | null {
  const url = /^https?:\/\/[^/\\?#@\s*]+\/?$/i.test(text) ? URL.parse(text) : null;
  return url === null ? null : url.origin;
}

function readPublicUrl(env: Environment): string | null {
  const text = env.text("PUBLIC_URL");
  if (text === null) return null;
  const origin = originOf(text);
  if (origin === null) {
    env.refuse(
      "PUBLIC_URL",
      "Must be http:// or https:// with a host, optionally a port, and nothing after it",
    );
  } else if (new URL(origin).hostname.length > HOST_LENGTH_MAX) {
    env.refuse("PUBLIC_URL", `Must have a host of at most ${HOST_LENGTH_MAX} characters, to fit into an SMS`);
  }
  return origin;
}

function readCorsOrigins(env: Environment): Config["corsOrigins"] {
  const origins = env.list("CORS_ORIGINS");
  if (origins.length === 0 || origins.length === 1 && origins[0] === "*") return "*";
  return origins.map((text) => {
    const origin = originOf(text);
    if (origin === null) {
      env.refuse("CORS_ORIGINS", 'Must be "*" or origins such as https://app.example, comma-separated');
    }
    return origin ?? "";
  });
}

/** A secret may be weak only if nobody but the developer can reach the service. */
function readJwtSecrets(
  env: Environment,
  { required, strong }: { required: boolean; strong: boolean },
): Config["jwtSecrets"] {
  const secrets = env.list("JWT_SECRET");
  const weak = secrets.some((secret) => new TextEncoder().encode(secret).length < SECRET_BYTES_MIN);
  const wanted = `Must have at least ${SECRET_BYTES_MIN} bytes in every secret (openssl rand -hex 32)`;
  if (strong && weak) env.refuse("JWT_SECRET", wanted);
  if (required && secrets.length === 0) env.refuse("JWT_SECRET", `Is missing. ${wanted}`);
  return secrets.length > 0 ? secrets : null;
}

function readLimits(env: Environment): Limits {
  const limits = parseLimits(env.text("LIMITS") ?? "");
  if (!Array.isArray(limits)) return limits;
  env.refuse("LIMITS", `Must be "off" or a list of name=limit: ${limits.join("; ")}`);
  return DEFAULT_LIMITS;
}
