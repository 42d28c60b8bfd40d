import { timingSafeEqual } from "node:crypto";
import { RegisterUser } from "../../src/accounts/users/schema.ts";
import { listAttemptKeys } from "../../src/authentication/attempts/repository.ts";
import { TOKEN_PURPOSES } from "../../src/authentication/one-time-tokens/tokens.ts";
import { mintDataKey } from "../../src/lib/data-key.ts";
import { newId } from "../../src/lib/ids.ts";
import { type HashSettings, hashPassword, verifyPassword } from "../../src/lib/password-hash.ts";
import { PASSWORD_RULES } from "../../src/lib/password-policy.ts";
import { toComparisonKey } from "../../src/lib/text.ts";
import { insertAuditEvent, literal, literals, makeChanges, readRows } from "./database.ts";
import { UsageError } from "./fail.ts";

// Node's WebCrypto lacks timingSafeEqual, which the worker's has.
Object.assign(crypto.subtle, { timingSafeEqual });

// Without peppers, which only the service has. The first login rehashes the password with them.
const UNPEPPERED: HashSettings = { iterations: 600_000, peppers: new Map() };

export interface NewAdmin {
  username: string;
  email: string;
  password: string;
}

/** What the service has in its settings. */
interface ServiceSettings {
  password?: HashSettings;
  /** The keys that wrap data keys. Without them, the service gives the account a data key when it first needs one. */
  dataKeys?: ReadonlyMap<string, CryptoKey> | undefined;
}

export type AdminOutcome =
  | { kind: "created"; id: string }
  | {
      kind: "exists";
      username: string;
      role: string;
      isActive: boolean;
      passwordMatches: boolean;
    };

/**
 * Creates an administrator, unless a user already has the username or email. `where` are the wrangler flags that select the
 * database.
 */
export async function createAdmin(
  input: NewAdmin,
  where: readonly string[],
  { password: hashing = UNPEPPERED, dataKeys }: ServiceSettings = {},
): Promise<AdminOutcome> {
  const { username, email, password } = validate(input);
  const names = whereNamed(username, email);
  const find = `SELECT id, username, role, is_active, password_hash FROM users WHERE ${names} ORDER BY id LIMIT 1`;
  let [user] = (await readRows(where, find)) as NamedUser[];
  if (!user) {
    const id = newId();
    const now = Date.now();
    const hash = await hashPassword(password, hashing);
    const dataKey = dataKeys ? await mintDataKey(id, dataKeys) : null;
    await makeChanges(where, [
      `INSERT INTO users (id, username, username_key, email, email_key, email_verified, password_hash, data_key, role, created_at, updated_at)
       SELECT ${literals(id, username, toComparisonKey(username), email, toComparisonKey(email), 1, hash, dataKey, "admin", now, now)}
       WHERE NOT EXISTS (SELECT 1 FROM users WHERE ${names})`,
      insertAuditEvent(
        { action: "user.created", userId: id, changes: { role: { from: null, to: "admin" } } },
        `EXISTS (SELECT 1 FROM users WHERE id = ${literal(id)})`,
      ),
    ]);
    [user] = (await readRows(where, find)) as NamedUser[];
    if (user?.id === id) return { kind: "created", id };
  }
  if (!user) throw new UsageError("The administrator was not created.");
  const passwordMatches = await verifyPassword(password, user.password_hash ?? "", hashing);
  const isActive = user.is_active === 1;
  return { kind: "exists", username: user.username, role: user.role, isActive, passwordMatches };
}

interface NamedUser {
  id: string;
  username: string;
  role: string;
  is_active: number;
  password_hash: string | null;
}

interface Promotion {
  /** Replaces the password and revokes the API keys; undefined keeps both. */
  password: string | undefined;
  allowsUnverified: boolean;
}

/**
 * Makes an existing user an active administrator, ends their sessions and voids the links in emails to them. Does nothing if they
 * already are one. Throws a UsageError if their email is not verified, unless `allowsUnverified`. Anyone can register with the
 * operator's username or address, and a verified address does not say who chose the password.
 */
export async function promoteToAdmin(
  name: string,
  where: readonly string[],
  { password, allowsUnverified }: Promotion,
): Promise<{ username: string; isChanged: boolean }> {
  const account = await findAccount(name, where);
  const { id, username, email, role } = account;
  const isActive = account.is_active === 1;
  if (role === "admin" && isActive) return { username, isChanged: false };
  if (account.email_verified !== 1 && !allowsUnverified) {
    throw new UsageError(
      `The email of ${username}, ${email}, is not verified: someone else may have registered this account. ` +
        "Let its owner verify the address first. If you are sure whose account it is, add --unverified.",
    );
  }
  const byId = `id = ${literal(id)}`;
  const now = Date.now();
  const changes = {
    ...(role !== "admin" && { role: { from: role, to: "admin" } }),
    ...(!isActive && { is_active: { from: false, to: true } }),
  };
  const action = role === "admin" ? "user.updated" : "user.role_changed";
  await makeChanges(where, [
    insertAuditEvent({ action, userId: id, changes }, whereLiving(id)),
    `UPDATE users SET role = 'admin', is_active = 1, version = version + 1, updated_at = ${now} WHERE ${byId}`,
    endSessions(id, "role_changed"),
    ...voidLinks(id),
    ...(password === undefined
      ? []
      : [...(await replacePassword(account, password)), revokeApiKeys(id)]),
  ]);
  return { username, isChanged: true };
}

/** Ends the lock-out of an account: forgets its failed logins. */
export async function unlockAccount(
  name: string,
  where: readonly string[],
): Promise<{ username: string; isChanged: boolean }> {
  const { id, username, has_attempts } = await findAccount(name, where);
  if (has_attempts !== 1) return { username, isChanged: false };
  const attempts = whereAttemptsOf(id);
  await makeChanges(where, [
    insertAuditEvent(
      { action: "user.unlocked", userId: id },
      `EXISTS (SELECT 1 FROM login_attempts WHERE ${attempts})`,
    ),
    `DELETE FROM login_attempts WHERE ${attempts}`,
  ]);
  return { username, isChanged: true };
}

/**
 * Sets the password of an account, ends its sessions and its lock-out, and voids the links in emails to it. Its API keys keep
 * working.
 */
export async function resetPassword(
  name: string,
  password: string,
  where: readonly string[],
): Promise<{ username: string }> {
  const account = await findAccount(name, where);
  const { id, username } = account;
  await makeChanges(where, [
    ...(await replacePassword(account, password)),
    endSessions(id, "password_reset"),
    ...voidLinks(id),
    `DELETE FROM login_attempts WHERE ${whereAttemptsOf(id)}`,
  ]);
  return { username };
}

/** Removes the second factors and recovery codes of an account, and ends its sessions. */
export async function resetFactors(
  name: string,
  where: readonly string[],
): Promise<{ username: string; isChanged: boolean }> {
  const { id, username, has_factors } = await findAccount(name, where);
  if (has_factors !== 1) return { username, isChanged: false };
  const user = `user_id = ${literal(id)}`;
  await makeChanges(where, [
    insertAuditEvent({ action: "factors.reset", userId: id }, whereLiving(id)),
    `UPDATE users SET mfa_enabled = 0, version = version + 1, updated_at = ${Date.now()} WHERE id = ${literal(id)}`,
    `DELETE FROM factors WHERE ${user}`,
    `DELETE FROM recovery_codes WHERE ${user}`,
    endSessions(id, "factors_reset"),
  ]);
  return { username, isChanged: true };
}

async function replacePassword(account: Account, password: string): Promise<string[]> {
  const { id } = account;
  const broken = PASSWORD_RULES.find(({ allows }) => !allows(password, account));
  if (broken) throw new UsageError(`password: ${broken.message}`);
  const hash = await hashPassword(password, UNPEPPERED);
  return [
    insertAuditEvent({ action: "password.reset", userId: id }, whereLiving(id)),
    `UPDATE users SET password_hash = ${literal(hash)}, password_version = password_version + 1, password_expired = 0
     WHERE id = ${literal(id)} AND deleted_at IS NULL`,
  ];
}

function voidLinks(userId: string): string[] {
  const user = `user_id = ${literal(userId)}`;
  const kinds = literals(...TOKEN_PURPOSES);
  return [
    `DELETE FROM one_time_tokens WHERE ${user}`,
    `DELETE FROM mail_outbox WHERE ${user} AND sent_at IS NULL AND kind IN (${kinds})`,
  ];
}

function revokeApiKeys(userId: string): string {
  return `UPDATE api_keys SET revoked_at = ${Date.now()}, version = version + 1
    WHERE user_id = ${literal(userId)} AND revoked_at IS NULL`;
}

function validate(input: NewAdmin): NewAdmin {
  const parsed = RegisterUser.safeParse(input);
  const issues = parsed.error?.issues ?? [];
  const faults = issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  const broken = PASSWORD_RULES.filter(({ allows }) => !allows(input.password, input));
  faults.push(...broken.map(({ message }) => `password: ${message}`));
  if (!parsed.success || faults.length > 0) throw new UsageError(faults.join(" "));
  return parsed.data;
}

interface Account {
  id: string;
  username: string;
  email: string;
  email_verified: number;
  role: string;
  is_active: number;
  has_attempts: number;
  has_factors: number;
}

/** The account with a username or email that is not deleted. Throws a UsageError if there is none. */
async function findAccount(name: string, where: readonly string[]): Promise<Account> {
  const attemptKeys = listAttemptKeys("").map((prefix) => `${literal(prefix)} || users.id`);
  // A login leaves a row without attempts if there were no others.
  const whereCounted = `expires_at > ${Date.now()} AND json_array_length(attempts, '$."*"') > 0`;
  const [account] = await readRows(
    where,
    `SELECT id, username, email, email_verified, role, is_active,
       EXISTS (SELECT 1 FROM login_attempts WHERE key IN (${attemptKeys.join(", ")}) AND ${whereCounted}) AS has_attempts,
       mfa_enabled OR EXISTS (SELECT 1 FROM factors WHERE user_id = users.id)
         OR EXISTS (SELECT 1 FROM recovery_codes WHERE user_id = users.id) AS has_factors
     FROM users WHERE ${whereNamed(name, name)}`,
  );
  if (account) return account as Account;
  throw new UsageError(`There is no user ${name}. Create one: npm run admin -- create`);
}

function whereNamed(username: string, email: string): string {
  const [usernameKey, emailKey] = [username, email].map((name) => literal(toComparisonKey(name)));
  return `(username_key = ${usernameKey} OR email_key = ${emailKey}) AND deleted_at IS NULL`;
}

function whereLiving(userId: string): string {
  return `EXISTS (SELECT 1 FROM users WHERE id = ${literal(userId)} AND deleted_at IS NULL)`;
}

function whereAttemptsOf(userId: string): string {
  return `key IN (${listAttemptKeys(userId).map(literal).join(", ")})`;
}

function endSessions(userId: string, reason: string): string {
  return `UPDATE sessions SET revoked_at = ${Date.now()}, revoked_reason = ${literal(reason)}
    WHERE user_id = ${literal(userId)} AND revoked_at IS NULL`;
}

/** Users per transaction of `rebuildSearch`. */
const REBUILD_STEP = 20_000;

/**
 * Writes the search index of users anew, in the order of `seq`, starting after `from`. Calls `report` after each transaction
 * with the last `seq` that is done. It can be stopped at any time and continued from there, and the service can run meanwhile.
 */
export async function rebuildSearch(
  where: readonly string[],
  from: number,
  report: (done: number, last: number) => void,
): Promise<void> {
  const [highest] = (await readRows(
    where,
    "SELECT max(coalesce((SELECT max(seq) FROM users), 0), coalesce((SELECT max(rowid) FROM users_search), 0)) AS last",
  )) as { last: number }[];
  const last = highest?.last ?? 0;
  for (let done = from; done < last; ) {
    const next = Math.min(done + REBUILD_STEP, last);
    await makeChanges(where, [
      `DELETE FROM users_search WHERE rowid > ${done} AND rowid <= ${next}`,
      `INSERT INTO users_search (rowid, state, text) SELECT seq, state, text FROM users_search_text WHERE seq > ${done} AND seq <= ${next}`,
    ]);
    done = next;
    report(done, last);
  }
}
