import { z } from "zod";
import { isLoopback, isReservedName } from "./lib/host.ts";
import { isRedirectUri } from "./lib/redirect-uri.ts";

/** The minimum that OWASP recommends for PBKDF2-HMAC-SHA-256 (Password Storage Cheat Sheet). Production refuses less. */
const OWASP_ITERATIONS = 600_000;

/** The levels of log lines, the least severe first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The languages of emails (src/outbox/catalogue). */
export const MAIL_LANGUAGES = ["en", "de"] as const;
export type MailLanguage = (typeof MAIL_LANGUAGES)[number];

const wholeNumber = (from: number, to: number) => z.coerce.number().int().min(from).max(to);
const origin = z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin);

/** A list that is separated by commas. */
const list = z
  .string()
  .default("")
  .transform((text) => text.split(",").map((item) => item.trim()))
  .transform((items) => items.filter(Boolean));

const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^(${LABEL}\\.)*(?!\\d+$)${LABEL}$`);

/** The hash of the certificate that an Android app is signed with, as its client data names the app. */
const androidApp = z
  .string()
  .regex(
    /^android:apk-key-hash:[\w-]{43}$/,
    "must be origins, such as https://example.com or android:apk-key-hash:…",
  );

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

/** The variables and secrets of the worker, and their defaults.*/
export const SETTINGS = z.object({
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
  STEP_UP_MAX_AGE_SECONDS: wholeNumber(0, 86_400).default(600),
  LOGIN_ATTEMPT_LIMIT: wholeNumber(1, 1000).default(10),
  LOGIN_ATTEMPT_WINDOW_SECONDS: wholeNumber(60, 86_400).default(900),
  REGISTRATION: z.enum(["open", "closed"]).default("open"),
  AUDIT_ORIGIN_DAYS: wholeNumber(1, 3650).default(90),
  AUDIT_RETENTION_DAYS: wholeNumber(0, 36_500).default(0),
  LOGIN_REQUIRES_VERIFIED_EMAIL: z.enum(["on", "off"]).default("off"),
  EMAIL_LOGIN: z.enum(["on", "off"]).default("off"),
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
  MAIL_DEFAULT_LOCALE: z.enum(MAIL_LANGUAGES).default("en"),
  CORS_ORIGINS: list.pipe(z.array(z.literal("*").or(origin))),
  RP_ID: z.string().toLowerCase().regex(DOMAIN, "must be a domain, such as example.com").optional(),
  RP_ORIGINS: list.pipe(z.array(origin.or(androidApp))),
  PROVIDERS: z.unknown().default([]),
  LOGIN_REDIRECT_URIS: list.pipe(
    z.array(
      z
        .string()
        .refine(
          isRedirectUri,
          "must be https:// addresses, private schemes in reverse-domain form such as com.example.app:/login, or http://127.0.0.1 and " +
            "http://[::1] with a path, without fragments and wildcards, of at most 512 characters",
        ),
    ),
  ),
  D1_READ_REPLICAS: z.enum(["on", "off"]).default("off"),
  SERVER_TIMING: z.enum(["on", "off"]).default("off"),
  ALERT_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  ALERT_WEBHOOK_SECRET: z.string().optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  LOG_SAMPLE_RATE: z.coerce
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, "must be a number from 0 to 1, such as 0.05")
    .default("1")
    .transform(Number),
  REVOKED_BEFORE: z.iso
    .datetime({ offset: true, error: "must be a time, such as 2026-11-22T08:00:00Z" })
    .transform((text) => Date.parse(text))
    .refine((time) => time <= Date.now(), "must not be in the future")
    .optional(),
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

export type Settings = z.infer<typeof SETTINGS>;

/** A missing or invalid setting. Never contains the setting's value. */
export interface ConfigFault {
  setting: string;
  message: string;
}

/** The bindings without which nothing works. Wrangler's environments do not inherit them. */
const STORES = ["DB", "KV"];

/** The stores that the worker's environment does not bind. */
export function findMissingStores(bindings: object): ConfigFault[] {
  const message = "is not bound: add it to this environment in wrangler.toml, and deploy again";
  return STORES.filter((name) => !(name in bindings)).map((setting) => ({ setting, message }));
}

/** Whether the settings of the webhook fit together. */
export function findWebhookFaults(settings: Settings): ConfigFault[] {
  const { ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET, ENVIRONMENT } = settings;
  if (!ALERT_WEBHOOK_URL && !ALERT_WEBHOOK_SECRET) return [];
  if (!ALERT_WEBHOOK_SECRET) {
    return [{ setting: "ALERT_WEBHOOK_SECRET", message: "is required by ALERT_WEBHOOK_URL" }];
  }
  if (!ALERT_WEBHOOK_URL) {
    return [{ setting: "ALERT_WEBHOOK_URL", message: "is required by ALERT_WEBHOOK_SECRET" }];
  }
  const { protocol, hostname, username, password } = new URL(ALERT_WEBHOOK_URL);
  const faults: ConfigFault[] = [];
  const isLocal = ENVIRONMENT === "development" && isLoopback(hostname);
  if (protocol !== "https:" && !isLocal) {
    const message = "must start with https://, or in development with http://localhost";
    faults.push({ setting: "ALERT_WEBHOOK_URL", message });
  }
  if (username || password) {
    const message = "must not contain a username or password: notices are signed";
    faults.push({ setting: "ALERT_WEBHOOK_URL", message });
  }
  return faults;
}

const PRODUCTION_URLS = [
  "APP_URL",
  "MAIL_LINK_URL",
  "MAIL_API_URL",
  "BREACHED_PASSWORD_URL",
] as const;

/** What only development allows. Development keys are refused where keys are imported. */
export function findProductionFaults(settings: Settings): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (settings.APP_URL === undefined) {
    const message =
      "is required in production: set it to the public https:// address of this service";
    faults.push({ setting: "APP_URL", message });
  }
  if (settings.APP_URL && isReservedName(new URL(settings.APP_URL).hostname)) {
    const message =
      "must be the public address of this service in production, not a placeholder or an example";
    faults.push({ setting: "APP_URL", message });
  }
  for (const setting of PRODUCTION_URLS) {
    const url = settings[setting];
    if (url === undefined || new URL(url).protocol === "https:") continue;
    faults.push({ setting, message: "must start with https:// in production" });
  }
  if (settings.RP_ORIGINS.some((item) => item.startsWith("http:"))) {
    const message = "must be https:// origins or Android apps in production";
    faults.push({ setting: "RP_ORIGINS", message });
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
