import {
  hasDevelopmentKey,
  importDataKeys,
  importMacKeys,
  importSigningKeys,
  type SigningKey,
} from "./lib/jwk.ts";
import type { Provider } from "./lib/login-provider.ts";
import { importProviders } from "./lib/login-provider-settings.ts";
import type { HashSettings } from "./lib/password-hash.ts";
import { type RelyingParty, toRelyingParty } from "./lib/relying-party.ts";
import { DAY, SECOND } from "./lib/time.ts";
import { importWebhookSecret, type WebhookTarget } from "./lib/webhook.ts";
import {
  type ConfigFault,
  findProductionFaults,
  findWebhookFaults,
  type LogLevel,
  type MailLanguage,
  type RateLimit,
  SETTINGS,
  type Settings,
} from "./settings.ts";

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
  /** How recent the authentication must be for operations that need a step-up; 0 if none needs one. */
  stepUpMaxAgeSeconds: number;
  registrationOpen: boolean;
  loginRequiresVerifiedEmail: boolean;
  /** Whether people can log in with a link or code that is sent to their address. */
  hasEmailLogin: boolean;
  /** How long counts of events that concern no known account are kept, with their networks. */
  auditOriginMs: number;
  /** How long events that are sealed (and archived, with an archive) stay in D1; undefined for ever. */
  auditRetentionMs: number | undefined;
  /** How long a deleted user can be restored before they are erased. */
  deletedRetentionMs: number;
  /** Undefined if email is not configured. */
  mail: MailConfig | undefined;
  /** Whether links in emails lead to the pages of this service, because `MAIL_LINK_URL` names no application. */
  hasLinkPages: boolean;
  /** Whose passkeys they are; undefined where passkeys cannot be used, for example at an IP address. */
  relyingParty: RelyingParty | undefined;
  /** The services that people can log in with, in the order of PROVIDERS. */
  providers: readonly Provider[];
  /** Where applications may have logins with a provider end. See `isAllowedRedirect`. */
  loginRedirectUris: readonly string[];
  /** Where logins with a provider end in the pages of this service; undefined without `APP_URL`. */
  ownRedirectUri: string | undefined;
  corsOrigins: readonly string[];
  /** Whether reads of one's own data may come from read replicas of D1. */
  readReplicas: boolean;
  serverTiming: boolean;
  /** Where changes of alerts are posted; undefined if nowhere. */
  alertWebhook: WebhookTarget | undefined;
  logLevel: LogLevel;
  /** The share of successful requests that are logged, from 0 to 1. */
  logSampleRate: number;
  /** Sessions, API keys and tokens from before this time are void. 0 if it is not set. */
  revokedBefore: number;
  signingKeys: ReadonlyMap<string, SigningKey>;
  macKeys: readonly CryptoKey[];
  /** The keys that wrap data keys, by `kid`. */
  dataKeys: ReadonlyMap<string, CryptoKey>;
}

/** The sender of emails, the base URL of their links, and the HTTP provider, which is undefined for Cloudflare's binding. */
export interface MailConfig {
  from: string;
  linkUrl: string;
  /** The language of emails to people of whom no language is known that emails have. */
  defaultLanguage: MailLanguage;
  provider: { url: string; apiKey: string } | undefined;
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: ConfigFault[] };

/**
 * Parses the settings. Fails closed: every missing or invalid setting is reported by name, and no secret has a default.
 * In production, what is meant for development is reported, too: development keys, few password hash iterations, plain HTTP.
 */
export async function parseConfig(bindings: object): Promise<ConfigResult> {
  const parsed = SETTINGS.safeParse(bindings);
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
  faults.push(
    ...findMailFaults(settings),
    ...findPasskeyFaults(settings),
    ...findWebhookFaults(settings),
  );
  const alertWebhook = await importWebhook(settings, faults);
  const providers = await importProviderList(settings, bindings, faults);
  if (settings.ENVIRONMENT === "production") faults.push(...findProductionFaults(settings));
  if (!signingKeys || !macKeys || !dataKeys || !peppers || faults.length > 0) {
    return { ok: false, faults };
  }
  const keys = { signingKeys, macKeys: [...macKeys.values()], dataKeys, peppers };
  return { ok: true, config: { ...toConfig(settings, keys), alertWebhook, providers } };
}

async function importKeys<T>(
  setting: "SIGNING_KEYS" | "MAC_KEYS" | "DATA_KEYS" | "PEPPER_KEYS",
  settings: Settings,
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

async function importWebhook(
  { ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: secret }: Settings,
  faults: ConfigFault[],
): Promise<WebhookTarget | undefined> {
  if (!url || !secret) return undefined;
  try {
    return { url, key: await importWebhookSecret(secret) };
  } catch (error) {
    faults.push({ setting: "ALERT_WEBHOOK_SECRET", message: (error as Error).message });
    return undefined;
  }
}

async function importProviderList(
  settings: Settings,
  bindings: object,
  faults: ConfigFault[],
): Promise<readonly Provider[]> {
  const { ENVIRONMENT, APP_URL, LOGIN_REDIRECT_URIS } = settings;
  const imported = await importProviders(settings.PROVIDERS, {
    settingOf: (name) => (bindings as Readonly<Record<string, unknown>>)[name],
    isProduction: ENVIRONMENT === "production",
    origin: APP_URL ?? DEVELOPMENT_ORIGIN,
  });
  faults.push(...imported.faults);
  if (imported.providers.length > 0 && LOGIN_REDIRECT_URIS.length === 0 && !APP_URL) {
    const message =
      "is required by PROVIDERS unless APP_URL is set: list the addresses of your applications at which a login may end, separated by commas";
    faults.push({ setting: "LOGIN_REDIRECT_URIS", message });
  }
  return imported.providers;
}

function toConfig(
  settings: Settings,
  keys: Pick<Config, "signingKeys" | "macKeys" | "dataKeys"> & Pick<HashSettings, "peppers">,
): Omit<Config, "alertWebhook" | "providers"> {
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
    stepUpMaxAgeSeconds: settings.STEP_UP_MAX_AGE_SECONDS,
    registrationOpen: settings.REGISTRATION === "open",
    auditOriginMs: settings.AUDIT_ORIGIN_DAYS * DAY,
    auditRetentionMs:
      settings.AUDIT_RETENTION_DAYS > 0 ? settings.AUDIT_RETENTION_DAYS * DAY : undefined,
    loginRequiresVerifiedEmail: settings.LOGIN_REQUIRES_VERIFIED_EMAIL === "on",
    hasEmailLogin: settings.EMAIL_LOGIN === "on",
    deletedRetentionMs: settings.DELETED_RETENTION_DAYS * DAY,
    mail: toMailConfig(settings),
    hasLinkPages: (settings.MAIL_LINK_URL ?? settings.APP_URL) === settings.APP_URL,
    relyingParty: findRelyingParty(settings),
    loginRedirectUris: settings.LOGIN_REDIRECT_URIS,
    ownRedirectUri: settings.APP_URL && `${settings.APP_URL}/account/callback`,
    corsOrigins: settings.CORS_ORIGINS,
    readReplicas: settings.D1_READ_REPLICAS === "on",
    serverTiming: settings.SERVER_TIMING === "on",
    logLevel: settings.LOG_LEVEL,
    logSampleRate: settings.LOG_SAMPLE_RATE,
    revokedBefore: settings.REVOKED_BEFORE ?? 0,
    signingKeys: keys.signingKeys,
    macKeys: keys.macKeys,
    dataKeys: keys.dataKeys,
  };
}

/** Where `wrangler dev` serves the worker by default. */
const DEVELOPMENT_ORIGIN = "http://localhost:8787";

function findRelyingParty({ ENVIRONMENT, APP_URL, RP_ID, RP_ORIGINS }: Settings) {
  const fallback = ENVIRONMENT === "development" ? DEVELOPMENT_ORIGIN : undefined;
  return toRelyingParty({ id: RP_ID, service: APP_URL ?? fallback, origins: RP_ORIGINS });
}

// Without these settings, passkeys are unavailable where they cannot be used.
function findPasskeyFaults(settings: Settings): ConfigFault[] {
  const { RP_ID, RP_ORIGINS } = settings;
  const isSet = RP_ID !== undefined || RP_ORIGINS.length > 0;
  if (!isSet || findRelyingParty(settings)) return [];
  const message =
    "must be the domain of every origin in RP_ORIGINS (by default APP_URL) or a domain above it, and these must be https://";
  return [{ setting: "RP_ID", message }];
}

const DEVELOPMENT_MAIL_FROM = "Roster <roster@roster.example>";

// Without a sender no email is sent. With a sender, the other settings that email needs are required, too.
function findMailFaults(settings: Settings): ConfigFault[] {
  const { MAIL_TRANSPORT, MAIL_FROM, MAIL_API_KEY } = settings;
  const linkUrl = settings.MAIL_LINK_URL ?? settings.APP_URL;
  const faults: ConfigFault[] = [];
  for (const setting of ["LOGIN_REQUIRES_VERIFIED_EMAIL", "EMAIL_LOGIN"] as const) {
    if (settings[setting] === "off" || toMailConfig(settings)) continue;
    const message = "requires email: set MAIL_FROM and APP_URL, and MAIL_TRANSPORT other than off";
    faults.push({ setting, message });
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

function toMailConfig(settings: Settings): MailConfig | undefined {
  const { ENVIRONMENT, MAIL_TRANSPORT, MAIL_API_URL, MAIL_API_KEY } = settings;
  const linkUrl = settings.MAIL_LINK_URL ?? settings.APP_URL;
  const fallback = ENVIRONMENT === "development" ? DEVELOPMENT_MAIL_FROM : undefined;
  const from = settings.MAIL_FROM ?? fallback;
  if (MAIL_TRANSPORT === "off" || !from || !linkUrl) return undefined;
  const provider =
    MAIL_TRANSPORT === "http" && MAIL_API_KEY
      ? { url: MAIL_API_URL, apiKey: MAIL_API_KEY }
      : undefined;
  const defaultLanguage = settings.MAIL_DEFAULT_LOCALE;
  return { from, linkUrl, defaultLanguage, provider };
}
