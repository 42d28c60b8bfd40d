import { UsageError } from "./fail.ts";

/** A row of POST /v1/users/import, or whatever else the file has: the service checks it. */
export type ImportRow = Record<string, unknown>;

type Source = Record<string, unknown>;

/** How the records of other systems become rows. */
const FORMATS: Readonly<Record<string, (record: Source) => ImportRow>> = {
  roster: (record) => record,
  auth0: fromAuth0,
  firebase: fromFirebase,
  django: fromDjango,
  supabase: fromSupabase,
};

/** The mapping of a format. Throws a UsageError for an unknown one. */
export function findFormat(name: string): (record: Source) => ImportRow {
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (!format) throw new UsageError(`--from must be one of ${Object.keys(FORMATS).join(", ")}.`);
  return format;
}

// A line of the file that Auth0's support sends for an export with password hashes, or of the export of the extension.
function fromAuth0(user: Source): ImportRow {
  const username = asText(user.username) ?? asText(user.nickname);
  return compact({
    email: user.email,
    username: isUsername(username) ? username : undefined,
    email_verified: user.email_verified,
    first_name: user.given_name,
    last_name: user.family_name,
    is_active: user.blocked === true ? false : undefined,
    created_at: toTime(user.created_at),
    password_hash: user.passwordHash ?? user.password_hash,
  });
}

// An element of `users` of `firebase auth:export users.json`.
function fromFirebase(user: Source): ImportRow {
  const { salt, passwordHash } = user;
  const phone = asText(user.phoneNumber);
  return compact({
    email: user.email,
    email_verified: user.emailVerified,
    first_name: user.displayName,
    is_active: user.disabled === true ? false : undefined,
    created_at: toTime(user.createdAt),
    profile: phone ? { phone } : undefined,
    password_hash: salt && passwordHash ? `$firebase-scrypt$${salt}$${passwordHash}` : undefined,
  });
}

// An element of `manage.py dumpdata auth.user`, or a row of the table auth_user.
function fromDjango(entry: Source): ImportRow {
  const user = (entry.fields ?? entry) as Source;
  const username = asText(user.username);
  return compact({
    email: user.email,
    username: isUsername(username) ? username : undefined,
    first_name: user.first_name || undefined,
    last_name: user.last_name || undefined,
    is_active: user.is_active,
    created_at: toTime(user.date_joined),
    password_hash: toDjangoHash(asText(user.password)),
  });
}

/**
 * The password column of Django: PBKDF2 stays as it is, Argon2 and bcrypt lose their prefix, and scrypt becomes a PHC string. A
 * user with an unusable password (`!…`) gets none.
 */
function toDjangoHash(stored: string | undefined): string | undefined {
  if (!stored || stored.startsWith("!")) return undefined;
  if (stored.startsWith("argon2$")) return stored.slice("argon2".length);
  if (stored.startsWith("bcrypt$")) return stored.slice("bcrypt$".length);
  const [, n, salt, r, p, hash] =
    /^scrypt\$(\d+)\$([^$]+)\$(\d+)\$(\d+)\$([^$]+)$/.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return stored;
  const text = Buffer.from(salt).toString("base64").replace(/=+$/, "");
  return `$scrypt$ln=${Math.log2(Number(n))},r=${r},p=${p}$${text}$${hash.replace(/=+$/, "")}`;
}

// A row of the table auth.users, as `select row_to_json(u) from auth.users u` writes it.
function fromSupabase(user: Source): ImportRow {
  const data = (user.raw_user_meta_data ?? {}) as Source;
  const phone = asText(user.phone);
  const bannedUntil = Date.parse(asText(user.banned_until) ?? "");
  return compact({
    email: user.email,
    email_verified: Boolean(user.email_confirmed_at),
    first_name: data.first_name ?? data.full_name ?? data.name,
    last_name: data.last_name,
    is_active: bannedUntil > Date.now() ? false : undefined,
    created_at: toTime(user.created_at),
    profile: phone ? { phone: `+${phone.replace(/^\+/, "")}` } : undefined,
    password_hash: user.encrypted_password || undefined,
  });
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

// A username that Roster would refuse is left out: Roster makes another one of the email address.
function isUsername(text: string | undefined): boolean {
  return text !== undefined && /^[A-Za-z0-9_.-]{3,50}$/.test(text);
}

// Times in milliseconds, as Firebase has them, in ISO 8601 and in the form of PostgreSQL, which has a space for the T.
function toTime(value: unknown): string | undefined {
  const text = String(value ?? "");
  const time = new Date(/^\d+$/.test(text) ? Number(text) : Date.parse(text));
  return Number.isNaN(time.getTime()) || text === "" ? undefined : time.toISOString();
}

function compact(row: ImportRow): ImportRow {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== undefined && value !== null),
  );
}
