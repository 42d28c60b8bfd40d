import { z } from "zod";
import {
  hasDevelopmentKey,
  importDataKeys,
  importMacKeys,
  importSigningKeys,
  type SigningKey,
} from "./lib/jwk.ts";
import type { HashSettings } from "./lib/password-hash.ts";
import { DAY, SECOND } from "./lib/time.ts";

/** The minimum that OWASP recommends for PBKDF2-HMAC-SHA-256 (Password Storage Cheat Sheet). Production refuses less. */
const OWASP_ITERATIONS = 600_000;

/** The levels of log lines, the least severe first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const wholeNumber = (from: number, to: number) => z.coerce.number().int().min(from).max(to);
const origin = z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin);

/** `limit/seconds`, or `0` for no limit. */
const rateLimit = (fallback: string) =>
  z
    .string()
    .regex(
      /^(0|[1-9]\d{0,6}\/[1-9]\d{0,4})$/,
      "must have the form limit/seconds, or be 0 for no limit",
    )
    .default(fallback)
    .transform((text): RateLimit | undefined => {
      const [limit, windowSeconds] = text.split("/").map(Number);
      return limit && windowSeconds ? { limit, windowSeconds } : undefined;
    });

/** At most `limit` requests per `windowSeconds`. */
export interface RateLimit {
  limit: number;
  windowSeconds: number;
}

const Settings = z.object({
  ENVIRONMENT: z.enum(["production", "development"]).default("production"),
  APP_URL: origin.optional(),
  APP_NAME: z
    .string()
    .trim()
    .regex(
      /^[^\p{Cc}\p{Zl}\p{Zp}]{1,50}$/u,
      "must have 1 to 50 characters, without line breaks and control characters",
    )
    .default("Roster"),
  JWT_ISSUER: z.string().min(1).optional(),
  JWT_AUDIENCE: z.string().min(1).default("roster"),
  ACCESS_TOKEN_TTL_SECONDS: wholeNumber(60, 3600).default(900),
  SESSION_IDLE_DAYS: wholeNumber(1, 365).default(7),
  SESSION_MAX_DAYS: wholeNumber(1, 365).default(30),
  SESSION_LIMIT: wholeNumber(1, 1000).default(50),
  PASSWORD_ITERATIONS: wholeNumber(1, 10_000_000).default(OWASP_ITERATIONS),
  PASSWORD_MIN_LENGTH: wholeNumber(8, 64).default(8),
  LOGIN_ATTEMPT_LIMIT: wholeNumber(1, 1000).default(10),
  LOGIN_ATTEMPT_WINDOW_SECONDS: wholeNumber(60, 86_400).default(900),
  REGISTRATION: z.enum(["open", "closed"]).default("open"),
  AUDIT_ORIGIN_DAYS: wholeNumber(1, 3650).default(90),
  LOGIN_REQUIRES_VERIFIED_EMAIL: z.enum(["on", "off"]).default("off"),
  DELETED_RETENTION_DAYS: wholeNumber(1, 3650).default(30),
  MAIL_LINK_URL: origin.optional(),
  MAIL_TRANSPORT: z.enum(["cloudflare", "http", "off"]).default("cloudflare"),
  MAIL_FROM: z
    .string()
    .min(3)
    .regex(/^[^\p{Cc}]*$/u, "must be one line")
    .optional(),
  MAIL_API_URL: z.url({ protocol: /^https?$/ }).default("https://api.resend.com/emails"),
  MAIL_API_KEY: z.string().min(1).optional(),
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform((list) => list.split(",").map((item) => item.trim()))
    .transform((list) => list.filter(Boolean))
    .pipe(z.array(z.literal("*").or(origin))),
  SERVER_TIMING: z.enum(["on", "off"]).default("off"),
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  SIGNING_KEYS: z.string("is missing"),
  MAC_KEYS: z.string("is missing"),
  DATA_KEYS: z.string("is missing"),
  PEPPER_KEYS: z.string().optional(),
  BREACHED_PASSWORD_CHECK: z.enum(["on", "off"]).default("off"),
  BREACHED_PASSWORD_URL: z
    .url({ protocol: /^https?$/ })
    .default("https://api.pwnedpasswords.com/range/"),
  RATE_LIMIT_AUTH: rateLimit("5/60"),
  RATE_LIMIT_REFRESH: rateLimit("30/60"),
  RATE_LIMIT_READ: rateLimit("1000/3600"),
  RATE_LIMIT_WRITE: rateLimit("100/3600"),
});

/** The settings, parsed once per isolate. */
export interface Config {
  environment: "production" | "development";
  appUrl: string | undefined;
  /** The name of the product, for emails and pages. */
  appName: string;
  accessToken: { issuer: string; audience: string; ttlSeconds: number };
  session: { idleMs: number; maxMs: number; limit: number };
  password: HashSettings & { minLength: number; breachedPasswordUrl: string | undefined };
  /** The limit of each policy; undefined for no limit. */
  rateLimits: Readonly<Record<"auth" | "refresh" | "read" | "write", RateLimit | undefined>>;
  loginAttempts: { limit: number; windowMs: number };
  registrationOpen: boolean;
  loginRequiresVerifiedEmail: boolean;
  /** How long counts of events that concern no known account are kept, with their networks. */
  auditOriginMs: number;
  /** How long a deleted user can be restored before they are erased. */
  deletedRetentionMs: number;
  /** Undefined if email is not configured. */
  mail: MailConfig | undefined;
  corsOrigins: readonly string[];
  serverTiming: boolean;
  logLevel: LogLevel;
  signingKeys: ReadonlyMap<string, SigningKey>;
  macKeys: readonly CryptoKey[];
  /** The keys that wrap data keys, by `kid`. */
  dataKeys: ReadonlyMap<string, CryptoKey>;
}

/** The sender of emails, the base URL of their links, and the HTTP provider, which is undefined for Cloudflare's binding. */
export interface MailConfig {
  from: string;
  linkUrl: string;
  /** Whether links lead to this service, which has no pages for them, because there is no `MAIL_LINK_URL`. */
  linksToService: boolean;
  provider: { url: string; apiKey: string } | undefined;
}

/** A missing or invalid setting. Never contains the setting's value. */
interface ConfigFault {
  setting: string;
  message: string;
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: ConfigFault[] };

/**
 * Parses the settings. Fails closed: every missing or invalid setting is reported by name, and no secret has a default.
 * In production, what is meant for development is reported, too: development keys, few password hash iterations, plain HTTP.
 */
export async function parseConfig(bindings: object): Promise<ConfigResult> {
  const parsed = Settings.safeParse(bindings);
  if (!parsed.success) {
    return {
      ok: false,
      faults: parsed.error.issues.map(({ path, message }) => ({
        setting: String(path[0]),
        message,
      })),
    };
  }
  const settings = parsed.data;
  const faults: ConfigFault[] = [];
  const signingKeys = await importKeys("SIGNING_KEYS", settings, importSigningKeys, faults);
  const macKeys = await importKeys("MAC_KEYS", settings, importMacKeys, faults);
  const dataKeys = await importKeys("DATA_KEYS", settings, importDataKeys, faults);
  const peppers = settings.PEPPER_KEYS
    ? await importKeys("PEPPER_KEYS", settings, importMacKeys, faults)
    : new Map<string, CryptoKey>();
  faults.push(...findMailFaults(settings));
  if (settings.ENVIRONMENT === "production") faults.push(...findProductionFaults(settings));
  if (!signingKeys || !macKeys || !dataKeys || !peppers || faults.length > 0) {
    return { ok: false, faults };
  }
  const keys = { signingKeys, macKeys: [...macKeys.values()], dataKeys, peppers };
  return { ok: true, config: toConfig(settings, keys) };
}

const PRODUCTION_URLS = [
  "APP_URL",
  "MAIL_LINK_URL",
  "MAIL_API_URL",
  "BREACHED_PASSWORD_URL",
] as const;

// Settings that only development allows. Development keys are refused where keys are imported.
function findProductionFaults(settings: z.infer<typeof Settings>): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (settings.APP_URL === undefined) {
    const message =
      "is required in production: set it to the public https:// address of this service";
    faults.push({ setting: "APP_URL", message });
  }
  for (const setting of PRODUCTION_URLS) {
    const url = settings[setting];
    if (url === undefined || new URL(url).protocol === "https:") continue;
    faults.push({ setting, message: "must start with https:// in production" });
  }
  if (settings.SERVER_TIMING === "on") {
    const message = "must be off in production, because it shows every caller what a request costs";
    faults.push({ setting: "SERVER_TIMING", message });
  }
  if (settings.PASSWORD_ITERATIONS < OWASP_ITERATIONS) {
    const message = `must be at least ${OWASP_ITERATIONS} in production`;
    faults.push({ setting: "PASSWORD_ITERATIONS", message });
  }
  return faults;
}

async function importKeys<T>(
  setting: "SIGNING_KEYS" | "MAC_KEYS" | "DATA_KEYS" | "PEPPER_KEYS",
  settings: z.infer<typeof Settings>,
  importer: (text: string) => Promise<T>,
  faults: ConfigFault[],
): Promise<T | undefined> {
  const text = settings[setting] ?? "";
  try {
    const keys = await importer(text);
    if (settings.ENVIRONMENT === "production" && hasDevelopmentKey(text)) {
      throw new Error(
        "contains a development key, which production refuses: run `npm run keys -- generate`",
      );
    }
    return keys;
  } catch (error) {
    faults.push({ setting, message: (error as Error).message });
    return undefined;
  }
}

function toConfig(
  settings: z.infer<typeof Settings>,
  keys: Pick<Config, "signingKeys" | "macKeys" | "dataKeys"> & Pick<HashSettings, "peppers">,
): Config {
  return {
    environment: settings.ENVIRONMENT,
    appUrl: settings.APP_URL,
    appName: settings.APP_NAME,
    accessToken: {
      issuer: settings.JWT_ISSUER ?? settings.APP_URL ?? "roster",
      audience: settings.JWT_AUDIENCE,
      ttlSeconds: settings.ACCESS_TOKEN_TTL_SECONDS,
    },
    session: {
      idleMs: settings.SESSION_IDLE_DAYS * DAY,
      maxMs: settings.SESSION_MAX_DAYS * DAY,
      limit: settings.SESSION_LIMIT,
    },
    password: {
      iterations: settings.PASSWORD_ITERATIONS,
      minLength: settings.PASSWORD_MIN_LENGTH,
      peppers: keys.peppers,
      breachedPasswordUrl:
        settings.BREACHED_PASSWORD_CHECK === "on" ? settings.BREACHED_PASSWORD_URL : undefined,
    },
    rateLimits: {
      auth: settings.RATE_LIMIT_AUTH,
      refresh: settings.RATE_LIMIT_REFRESH,
      read: settings.RATE_LIMIT_READ,
      write: settings.RATE_LIMIT_WRITE,
    },
    loginAttempts: {
      limit: settings.LOGIN_ATTEMPT_LIMIT,
      windowMs: settings.LOGIN_ATTEMPT_WINDOW_SECONDS * SECOND,
    },
    registrationOpen: settings.REGISTRATION === "open",
    auditOriginMs: settings.AUDIT_ORIGIN_DAYS * DAY,
    loginRequiresVerifiedEmail: settings.LOGIN_REQUIRES_VERIFIED_EMAIL === "on",
    deletedRetentionMs: settings.DELETED_RETENTION_DAYS * DAY,
    mail: toMailConfig(settings),
    corsOrigins: settings.CORS_ORIGINS,
    serverTiming: settings.SERVER_TIMING === "on",
    logLevel: settings.LOG_LEVEL,
    signingKeys: keys.signingKeys,
    macKeys: keys.macKeys,
    dataKeys: keys.dataKeys,
  };
}

const DEVELOPMENT_MAIL_FROM = "Roster <roster@roster.example>";

// Without a sender no email is sent. With a sender, the other settings that email needs are required, too.
function findMailFaults(settings: z.infer<typeof Settings>): ConfigFault[] {
  const { MAIL_TRANSPORT, MAIL_FROM, MAIL_API_KEY } = settings;
  const linkUrl = settings.MAIL_LINK_URL ?? settings.APP_URL;
  const faults: ConfigFault[] = [];
  if (settings.LOGIN_REQUIRES_VERIFIED_EMAIL === "on" && !toMailConfig(settings)) {
    const message = "requires email: set MAIL_FROM and APP_URL, and MAIL_TRANSPORT other than off";
    faults.push({ setting: "LOGIN_REQUIRES_VERIFIED_EMAIL", message });
  }
  if (MAIL_TRANSPORT === "off") return faults;
  if (MAIL_TRANSPORT === "http" && !MAIL_API_KEY) {
    faults.push({ setting: "MAIL_API_KEY", message: "is required by MAIL_TRANSPORT http" });
  }
  if (MAIL_TRANSPORT === "http" && !MAIL_FROM) {
    faults.push({ setting: "MAIL_FROM", message: "is required by MAIL_TRANSPORT http" });
  }
  if (MAIL_FROM && !linkUrl) {
    faults.push({ setting: "APP_URL", message: "is required for the links in emails" });
  }
  return faults;
}

function toMailConfig(settings: z.infer<typeof Settings>): MailConfig | undefined {
  const { ENVIRONMENT, MAIL_TRANSPORT, MAIL_API_URL, MAIL_API_KEY } = settings;
  const linkUrl = settings.MAIL_LINK_URL ?? settings.APP_URL;
  const fallback = ENVIRONMENT === "development" ? DEVELOPMENT_MAIL_FROM : undefined;
  const from = settings.MAIL_FROM ?? fallback;
  if (MAIL_TRANSPORT === "off" || !from || !linkUrl) return undefined;
  const provider =
    MAIL_TRANSPORT === "http" && MAIL_API_KEY
      ? { url: MAIL_API_URL, apiKey: MAIL_API_KEY }
      : undefined;
  return { from, linkUrl, linksToService: settings.MAIL_LINK_URL === undefined, provider };
}
