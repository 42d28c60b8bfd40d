import { env } from "cloudflare:workers";
import { openAuditEvent } from "../../src/audit/events.ts";
import { listEvents } from "../../src/audit/list-repository.ts";
import { parseConfig } from "../../src/config.ts";
import { db } from "../../src/db/client.ts";
import { connect } from "../../src/db/connection.ts";
import { MemoryCache } from "../../src/lib/memory-cache.ts";
import { createMeter } from "../../src/lib/meter.ts";
import { send } from "./api.ts";

export const PASSWORD = "SecurePass123!";

let counter = 0;

/** A registration body with a unique username and email. */
export function newAccount(overrides: Record<string, unknown> = {}) {
  counter += 1;
  const name = `person${counter}`;
  return { username: name, email: `${name}@example.com`, password: PASSWORD, ...overrides };
}

/** An email that no user has. */
export const newEmail = (): string => newAccount().email;

export interface TestUser {
  id: string;
  username: string;
  email: string;
  token: string;
  refreshToken: string;
}

/** Registers a user, sets their role directly in D1 and logs them in. */
export async function createTestUser(role = "user"): Promise<TestUser> {
  const account = newAccount();
  const { body: user } = await send("/v1/auth/register", { body: account });
  if (role !== "user") {
    await env.DB.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, user.id).run();
  }
  const tokens = await logIn(account.username);
  return { id: user.id, username: account.username, email: account.email, ...tokens };
}

/** Logs in and returns the tokens. */
export async function logIn(username: string, password = PASSWORD) {
  const { body } = await send("/v1/auth/login", { body: { username, password } });
  return { token: body.access_token as string, refreshToken: body.refresh_token as string };
}

export interface AuditRow {
  id: string;
  action: string;
  actor_type: string;
  actor_id: string | null;
  target_type: string | null;
  target_id: string | null;
  changes: string | null;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  created_at: string;
}

/** The audit events about a target, oldest first, with their sealed values opened. */
export async function allAuditOf(targetId: string): Promise<AuditRow[]> {
  const { rows } = await connect(env.DB, createMeter()).send({
    rows: listEvents(db, { targetId }, { before: undefined, limit: 10_000 }),
  });
  const config = await parseConfig(env);
  if (!config.ok) throw new Error("the test's settings are invalid");
  const memory = {
    dataKeys: new MemoryCache<CryptoKey>(100, 1000),
    missingKeys: new Set<string>(),
  };
  const ring = { ...config, memory, now: Date.now, log: () => undefined };
  return Promise.all(
    rows.toReversed().map(async (row) => {
      const event = await openAuditEvent(ring, row);
      const hasChanges = Object.keys(event.changes).length > 0;
      return { ...event, changes: hasChanges ? JSON.stringify(event.changes) : null };
    }),
  );
}

/** Like `allAuditOf`, without successful logins: most tests start with one. */
export async function auditOf(targetId: string): Promise<AuditRow[]> {
  return (await allAuditOf(targetId)).filter(({ action }) => action !== "auth.login_succeeded");
}

/** The actions recorded about a target, oldest first, without successful logins. */
export async function actionsOn(targetId: string): Promise<string[]> {
  return (await auditOf(targetId)).map(({ action }) => action);
}

/** The `user.…` actions recorded about a user, oldest first. */
export async function changesOn(userId: string): Promise<string[]> {
  return (await actionsOn(userId)).filter((action) => action.startsWith("user."));
}

/** Runs a statement directly in D1. */
export async function sqlRun(query: string, ...values: unknown[]): Promise<void> {
  await env.DB.prepare(query)
    .bind(...values)
    .run();
}

/** Reads rows directly from D1. */
export async function sqlAll<T = Record<string, unknown>>(
  query: string,
  ...values: unknown[]
): Promise<T[]> {
  const { results } = await env.DB.prepare(query)
    .bind(...values)
    .all<T>();
  return results;
}

/** Inserts a role directly into D1. */
export async function createRoleRow(name: string, permissions: readonly string[]): Promise<void> {
  await sqlRun(
    "INSERT INTO roles (name, description, permissions, created_at, updated_at) VALUES (?, '', ?, 0, 0)",
    name,
    JSON.stringify([...permissions].sort()),
  );
}

/** Inserts a role with a new name directly into D1. Returns its name. */
export async function newRole(permissions: readonly string[] = []): Promise<string> {
  counter += 1;
  const name = `role-${counter}`;
  await createRoleRow(name, permissions);
  return name;
}

/** The statuses of a write and a read with an access token and of a refresh. A refresh uses the refresh token up. */
export async function statusesOf({ token, refreshToken }: { token: string; refreshToken: string }) {
  const write = await send("/v1/users/me", { method: "PATCH", token, body: {} });
  const read = await send("/v1/users/me", { token });
  const refresh = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
  return { write: write.status, read: read.status, refresh: refresh.status };
}

export const ALL_REFUSED = { write: 401, read: 401, refresh: 401 };

/** How many users there are, deleted ones included. */
export const countUsers = async (): Promise<number> =>
  (await sqlAll("SELECT id FROM users")).length;
