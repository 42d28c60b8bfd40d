import { timingSafeEqual } from "node:crypto";
import { newId } from "../../src/lib/ids.ts";
import { hashPassword, verifyPassword } from "../../src/lib/password-hash.ts";
import { toComparisonKey } from "../../src/lib/text.ts";
import { RegisterUser } from "../../src/users/schema.ts";
import { UsageError } from "./fail.ts";
import { runWrangler } from "./wrangler.ts";

// Node's WebCrypto lacks the comparison that the worker's has.
Object.assign(crypto.subtle, { timingSafeEqual });

const ITERATIONS = 600_000;

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
  password_hash: string;
}

/** Makes an administrator, unless a living user has the username or the email already. `where` says which database: wrangler's flags. */
export async function createAdmin(
  input: NewAdmin,
  where: readonly string[],
): Promise<AdminOutcome> {
  const { username, email, password } = validate(input);
  const id = newId();
  const now = Date.now();
  const passwordHash = await hashPassword(password, ITERATIONS);
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
  if (!user)
    throw new UsageError("The administrator was not written. Run `npm run db:migrate` first.");
  if (user.id === id) return { kind: "created", id };
  const passwordMatches = await verifyPassword(password, user.password_hash);
  return { kind: "exists", id: user.id, username: user.username, role: user.role, passwordMatches };
}

/** Makes an existing user an active administrator and ends their sessions. */
export async function promoteToAdmin(name: string, where: readonly string[]): Promise<string> {
  const key = literal(toComparisonKey(name));
  const user = `(username_key = ${key} OR email_key = ${key}) AND deleted_at IS NULL`;
  const [found] = await execute(where, [`SELECT id, username, role FROM users WHERE ${user}`]);
  const [existing] = (found ?? []) as ExistingUser[];
  if (!existing)
    throw new UsageError(`There is no user ${name}. Create one with --email and --username.`);
  const { id, role } = existing;
  const byId = `id = ${literal(id)}`;
  const now = Date.now();
  await execute(where, [
    auditStatement("user.role_changed", id, { role: { from: role, to: "admin" } }, byId),
    `UPDATE users SET role = 'admin', is_active = 1, version = version + 1, updated_at = ${now} WHERE ${byId}`,
    `UPDATE sessions SET revoked_at = ${now}, revoked_reason = 'role_changed' WHERE user_id = ${literal(id)} AND revoked_at IS NULL`,
  ]);
  return existing.username;
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
  const output = await runWrangler([
    "d1",
    "execute",
    "DB",
    ...where,
    "--json",
    "--yes",
    "--command",
    command,
  ]);
  const results = JSON.parse(output.slice(output.indexOf("["))) as { results: unknown[] }[];
  return results.map(({ results: rows }) => rows);
}
