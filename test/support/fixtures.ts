import { env } from "cloudflare:workers";
import { send } from "./api.ts";

export const PASSWORD = "SecurePass123!";

let counter = 0;

/** A body to register with that nobody else has. */
export function newAccount(overrides: Record<string, unknown> = {}) {
  counter += 1;
  const name = `person${counter}`;
  return { username: name, email: `${name}@example.com`, password: PASSWORD, ...overrides };
}

export interface TestUser {
  id: string;
  username: string;
  email: string;
  token: string;
  refreshToken: string;
}

/** Registers someone, gives them the role behind the API's back, and logs them in. */
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
  created_at: number;
}

/** The audit rows about a target, the oldest first. */
export async function auditOf(targetId: string): Promise<AuditRow[]> {
  const { results } = await env.DB.prepare(
    "SELECT * FROM audit_events WHERE target_id = ? ORDER BY rowid",
  )
    .bind(targetId)
    .all<AuditRow>();
  return results;
}
