import { importPKCS8 } from "jose";
import { z } from "zod";
import { isLoopback, isPublicName } from "./host.ts";
import {
  hasManyTenants,
  MICROSOFT_CONSUMERS,
  type Provider,
  type ProviderCredential,
  type ProviderKind,
} from "./login-provider.ts";

/** What PROVIDERS depends on. */
interface Surroundings {
  /** The value of another setting. */
  settingOf(name: string): unknown;
  isProduction: boolean;
  /** The origin of this service. */
  origin: string;
}

interface Fault {
  setting: string;
  message: string;
}

const MAX_PROVIDERS = 50;

const line = (max: number) =>
  z
    .string(`must be a text of 1 to ${max} characters`)
    .regex(
      new RegExp(`^[^\\p{Cc}\\p{Zl}\\p{Zp}]{1,${max}}$`, "u"),
      `must be a text of 1 to ${max} characters`,
    );

const COMMON = {
  id: z
    .string('must be a text, such as "google"')
    .regex(
      /^[a-z][a-z0-9_]{0,31}$/,
      "must start with a lower-case letter and contain only lower-case letters, digits and _, at most 32 characters",
    ),
  name: line(50),
  client_id: line(255),
  scopes: z
    .array(
      z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, "must be a scope without spaces"),
      'must be a list of texts, such as ["openid","email"]',
    )
    .min(1, "must have at least one scope")
    .max(30, "must have at most 30 scopes")
    .optional(),
  trust_email: z.boolean("must be true or false").default(false),
};

const Address = z
  .url({ protocol: /^https?$/, error: "must be an https:// address" })
  .max(255, "must have at most 255 characters");

const PRESET = { base_url: Address.optional() };

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The members of each kind of provider. */
const SCHEMAS = {
  openid: z.strictObject({ ...COMMON, issuer: Address }),
  google: z.strictObject({ ...COMMON, ...PRESET, preset: z.literal("google") }),
  github: z.strictObject({ ...COMMON, ...PRESET, preset: z.literal("github") }),
  microsoft: z.strictObject({
    ...COMMON,
    ...PRESET,
    preset: z.literal("microsoft"),
    tenant: z
      .string('must be the id of a tenant, "common", "organizations" or "consumers"')
      .toLowerCase()
      .refine(
        (tenant) => GUID.test(tenant) || hasManyTenants({ tenant }) || tenant === "consumers",
        'must be the id of a tenant (a GUID), "common", "organizations" or "consumers"',
      )
      .transform((tenant) => (tenant === "consumers" ? MICROSOFT_CONSUMERS : tenant)),
  }),
  apple: z.strictObject({
    ...COMMON,
    ...PRESET,
    preset: z.literal("apple"),
    team_id: z.string("must be your Team ID").regex(/^[A-Z0-9]{10}$/, "must be your Team ID"),
    key_id: z.string("must be the Key ID").regex(/^[A-Z0-9]{10}$/, "must be the Key ID"),
  }),
} as const;

type Entry<K extends ProviderKind = ProviderKind> = z.infer<(typeof SCHEMAS)[K]>;

const PRESETS = ["google", "github", "microsoft", "apple"] as const;

const BASE_URLS: Readonly<Record<(typeof PRESETS)[number], string>> = {
  google: "https://accounts.google.com",
  github: "https://github.com",
  microsoft: "https://login.microsoftonline.com",
  apple: "https://appleid.apple.com",
};

const DEFAULT_SCOPES: Readonly<Record<ProviderKind, readonly string[]>> = {
  openid: ["openid", "email", "profile"],
  google: ["openid", "email", "profile"],
  microsoft: ["openid", "email", "profile"],
  github: ["user:email"],
  apple: ["name", "email"],
};

/**
 * Reads PROVIDERS, a list as JSON or as the text of it, and takes the secret of each provider from its own setting. Returns the
 * providers, and what is wrong with the settings, without their values.
 */
export async function importProviders(
  setting: unknown,
  surroundings: Surroundings,
): Promise<{ providers: Provider[]; faults: Fault[] }> {
  const entries = parseList(setting);
  if (!entries) {
    const message = `must be a JSON list of at most ${MAX_PROVIDERS} objects: [{"id":"google","name":"Google","preset":"google","client_id":"…"}]`;
    return { providers: [], faults: [{ setting: "PROVIDERS", message }] };
  }
  const providers: Provider[] = [];
  const faults: Fault[] = [];
  for (const [index, value] of entries.entries()) {
    const found = await importProvider(value, surroundings);
    if ("provider" in found && providers.some(({ id }) => id === found.provider.id)) {
      faults.push({ setting: "PROVIDERS", message: `[${index}].id must not be that of another` });
    } else if ("provider" in found) {
      providers.push(found.provider);
    } else {
      const place = found.setting === "PROVIDERS" ? `[${index}]` : "";
      faults.push(
        ...found.messages.map((message) => ({
          setting: found.setting,
          message: `${place}${message}`,
        })),
      );
    }
  }
  return { providers, faults };
}

type Imported = { provider: Provider } | { setting: string; messages: string[] };

async function importProvider(value: object, surroundings: Surroundings): Promise<Imported> {
  const { preset = "openid" } = value as { preset?: unknown };
  const kind = (["openid", ...PRESETS] as const).find((known) => known === preset);
  if (!kind || (preset === "openid" && "preset" in value)) {
    const message = `.preset must be one of ${PRESETS.join(", ")}, or absent, with an issuer`;
    return { setting: "PROVIDERS", messages: [message] };
  }
  const parsed = SCHEMAS[kind].safeParse(value);
  const messages = parsed.success
    ? findFaults(parsed.data, kind, surroundings)
    : parsed.error.issues.map(({ path, message }) => `${["", ...path].join(".")} ${message}`);
  if (!parsed.success || messages.length > 0) return { setting: "PROVIDERS", messages };
  const setting = `PROVIDER_${parsed.data.id.toUpperCase()}_SECRET`;
  const secret = surroundings.settingOf(setting);
  const credential = await importCredential(parsed.data, secret);
  if (typeof credential === "string") return { setting, messages: [credential] };
  return { provider: toProvider(parsed.data, kind, credential, surroundings.origin) };
}

function parseList(setting: unknown): object[] | undefined {
  try {
    const value: unknown = typeof setting === "string" ? JSON.parse(setting) : setting;
    const isList = Array.isArray(value) && value.length <= MAX_PROVIDERS;
    return isList && value.every((item) => typeof item === "object" && item !== null)
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

function findFaults(
  entry: Entry,
  kind: ProviderKind,
  { isProduction }: Pick<Surroundings, "isProduction">,
): string[] {
  const messages: string[] = [];
  const baseUrl = "base_url" in entry ? entry.base_url : undefined;
  if (baseUrl !== undefined && isProduction) return [".base_url is for development only"];
  const [name, address] = "issuer" in entry ? ["issuer", entry.issuer] : ["base_url", baseUrl];
  const fault = address === undefined ? undefined : findAddressFault(address, isProduction);
  if (fault) messages.push(`.${name} ${fault}`);
  const needsOpenId = kind !== "github" && kind !== "apple";
  if (needsOpenId && entry.scopes && !entry.scopes.includes("openid")) {
    messages.push(".scopes must contain openid");
  }
  return messages;
}

function findAddressFault(address: string, isProduction: boolean): string | undefined {
  const { username, password, search, hash } = new URL(address);
  if (username || password || search || hash) {
    return "must not have a username, password, query or fragment";
  }
  if (isProviderUrl(address, isProduction)) return undefined;
  return isProduction
    ? "must start with https:// and have the name of a host on the internet in production"
    : "must start with https://, or in development with http://localhost";
}

/**
 * True if Roster may send requests to an address of a provider: with TLS, and in production only to a host on the internet. In
 * development this machine needs no TLS.
 */
export function isProviderUrl(address: string, isProduction: boolean): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  if (username || password) return false;
  if (isProduction) return protocol === "https:" && isPublicName(hostname);
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

// Returns what is wrong, if the secret is missing or malformed.
async function importCredential(
  entry: Entry,
  value: unknown,
): Promise<ProviderCredential | string> {
  if (typeof value !== "string" || value.trim() === "") {
    return `is missing: set it to the client secret of this provider in PROVIDERS`;
  }
  if (!("team_id" in entry)) return { type: "secret", secret: value.trim() };
  try {
    // Some tools write line breaks as \n.
    const key = await importPKCS8(value.replaceAll("\\n", "\n").trim(), "ES256");
    return { type: "apple_key", key, keyId: entry.key_id, teamId: entry.team_id };
  } catch {
    return "must be the private key of Sign in with Apple, the text of the .p8 file: -----BEGIN PRIVATE KEY----- …";
  }
}

function toProvider(
  entry: Entry,
  kind: ProviderKind,
  credential: ProviderCredential,
  origin: string,
): Provider {
  const { id, name, client_id: clientId, trust_email: trustsEmail } = entry;
  const scopes = entry.scopes ?? DEFAULT_SCOPES[kind];
  const callbackUrl = `${origin}/v1/auth/providers/${id}/callback`;
  const common = { id, name, kind, clientId, credential, scopes, trustsEmail, callbackUrl };
  return { ...common, ...locate(entry, kind) };
}

function locate(
  entry: Entry,
  kind: ProviderKind,
): Pick<Provider, "issuer" | "authority" | "tenant"> {
  if ("issuer" in entry) return { issuer: entry.issuer, authority: entry.issuer };
  const preset = kind as keyof typeof BASE_URLS;
  const base = (entry.base_url ?? BASE_URLS[preset]).replace(/\/$/, "");
  if ("tenant" in entry) {
    const { tenant } = entry;
    const inIssuer = hasManyTenants({ tenant }) ? "{tenantid}" : tenant;
    return { issuer: `${base}/${inIssuer}/v2.0`, authority: `${base}/${tenant}/v2.0`, tenant };
  }
  const issuer = preset === "github" ? BASE_URLS.github : base;
  return { issuer, authority: base };
}
