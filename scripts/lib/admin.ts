import { timingSafeEqual } from "node:crypto";
import { RegisterUser } from "../../src/accounts/users/schema.ts";
import { newId } from "../../src/lib/ids.ts";
import { type HashSettings, hashPassword, verifyPassword } from "../../src/lib/password-hash.ts";
import { toComparisonKey } from "../../src/lib/text.ts";
import { UsageError } from "./fail.ts";
import { runWrangler } from "./wrangler.ts";

// Node's WebCrypto lacks timingSafeEqual, which the worker's has.
Object.assign(crypto.subtle, { timingSafeEqual });

// Without peppers, which only the service has. The first login rehashes the password with them.
const UNPEPPERED: HashSettings = { iterations: 600_000, peppers: new Map() };

export interface NewAdmin {
  username: string;
  email: string;
  password: string;
}

export type AdminOutcome =
  | { kind: "created"; id: string }
  | { kind: "exists"; id: string; username: string; role: string; passwordMatches: boolean };

interface ExistingUser {
  id: string;
  username: string;
  role: string;
  is_active: number;
  password_hash: string | null;
}

/** Creates an administrator, unless a user already has the username or email. `where` are the wrangler flags that select the database. */
export async function createAdmin(
  input: NewAdmin,
  where: readonly string[],
  hashing: HashSettings = UNPEPPERED,
): Promise<AdminOutcome> {
  const { username, email, password } = validate(input);
  const id = newId();
  const now = Date.now();
  const passwordHash = await hashPassword(password, hashing);
  const names = nameCondition(username, email);
  const [, , found] = await execute(where, [
    `INSERT INTO users (id, username, username_key, email, email_key, email_verified, password_hash, role, is_active, version, created_at, updated_at)
     SELECT ${values(id, username, toComparisonKey(username), email, toComparisonKey(email), 1, passwordHash, "admin", 1, 1, now, now)}
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE ${names})`,
    auditStatement(
      "user.created",
      id,
      { role: { from: null, to: "admin" } },
      `id = ${literal(id)}`,
    ),
    `SELECT id, username, role, password_hash FROM users WHERE ${names} ORDER BY id LIMIT 1`,
  ]);
  const [user] = (found ?? []) as ExistingUser[];
  if (!user) throw new UsageError("The administrator was not created.");
  if (user.id === id) return { kind: "created", id };
  const passwordMatches = await verifyPassword(password, user.password_hash ?? "", hashing);
  return { kind: "exists", id: user.id, username: user.username, role: user.role, passwordMatches };
}

/** Makes an existing user an active administrator and ends their sessions. Does nothing if they already are one. */
export async function promoteToAdmin(
  name: string,
  where: readonly string[],
): Promise<{ username: string; isChanged: boolean }> {
  const key = literal(toComparisonKey(name));
  const user = `(username_key = ${key} OR email_key = ${key}) AND deleted_at IS NULL`;
  const [found] = await execute(where, [
    `SELECT id, username, role, is_active FROM users WHERE ${user}`,
  ]);
  const [existing] = (found ?? []) as ExistingUser[];
  if (!existing)
    throw new UsageError(`There is no user ${name}. Create one: npm run admin -- create`);
  const { id, username, role } = existing;
  const isActive = existing.is_active === 1;
  if (role === "admin" && isActive) return { username, isChanged: false };
  const byId = `id = ${literal(id)}`;
  const now = Date.now();
  const changes = {
    ...(role !== "admin" && { role: { from: role, to: "admin" } }),
    ...(!isActive && { is_active: { from: false, to: true } }),
  };
  const action = role === "admin" ? "user.updated" : "user.role_changed";
  await execute(where, [
    auditStatement(action, id, changes, byId),
    `UPDATE users SET role = 'admin', is_active = 1, version = version + 1, updated_at = ${now} WHERE ${byId}`,
    `UPDATE sessions SET revoked_at = ${now}, revoked_reason = 'role_changed' WHERE user_id = ${literal(id)} AND revoked_at IS NULL`,
  ]);
  return { username, isChanged: true };
}

function validate(input: NewAdmin): NewAdmin {
  const parsed = RegisterUser.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new UsageError(faults.join(" "));
}

function nameCondition(username: string, email: string): string {
  const [usernameKey, emailKey] = [username, email].map((name) => literal(toComparisonKey(name)));
  return `(username_key = ${usernameKey} OR email_key = ${emailKey}) AND deleted_at IS NULL`;
}

function auditStatement(
  action: string,
  userId: string,
  changes: object,
  condition: string,
): string {
  const now = Date.now();
  return `INSERT INTO audit_events (id, action, actor_type, target_type, target_id, changes, created_at)
    SELECT ${values(newId(), action, "system", "user", userId, JSON.stringify(changes), now)}
    WHERE EXISTS (SELECT 1 FROM users WHERE ${condition})`;
}

function values(...list: (string | number)[]): string {
  return list.map(literal).join(", ");
}

function literal(value: string | number): string {
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

async function execute(where: readonly string[], statements: string[]): Promise<unknown[][]> {
  const command = statements.map((statement) => statement.replaceAll(/\s+/g, " ")).join("; ");
  const flags = [...where, "--json", "--yes", "--command", command];
  const output = await runWrangler(["d1", "execute", "DB", ...flags]).catch((error: unknown) => {
    const hasNoTables = error instanceof UsageError && error.message.includes("no such table");
    if (!hasNoTables) throw error;
    const place = where.join(" ");
    throw new UsageError(`The database has no tables. Create them: npm run db:migrate -- ${place}`);
  });
  const results = JSON.parse(output.slice(output.indexOf("["))) as { results: unknown[] }[];
  return results.map(({ results: rows }) => rows);
}
