import { PERMISSION_NAMES } from "../../src/access/permissions.ts";
import { send } from "./api.ts";
import { createRoleRow, createTestUser, sqlAll, sqlRun, type TestUser } from "./fixtures.ts";

export interface TestKey {
  id: string;
  key: string;
  owner: TestUser;
}

/** Creates an API key through the API. The owner must hold its scopes. */
export async function createTestKey(
  owner: TestUser,
  scopes: readonly string[],
  fields: Record<string, unknown> = {},
): Promise<TestKey> {
  const body = { name: "Nightly export", scopes, ...fields };
  const answer = await send("/v1/api-keys", { body, token: owner.token });
  if (answer.status !== 201) throw new Error(`no key: ${answer.text}`);
  return { id: answer.body.id, key: answer.body.key, owner };
}

/** Request options with an API key. */
export function withKey({ key }: { key: string }) {
  return { headers: { "X-API-Key": key } };
}

/** Sends a request with an API key. */
export function sendWithKey(
  key: { key: string },
  path: string,
  options: Parameters<typeof send>[1] = {},
) {
  return send(path, { ...options, headers: { ...options.headers, ...withKey(key).headers } });
}

/** The name of a role that grants exactly these permissions, created if necessary. */
export async function roleOf(permissions: readonly string[]): Promise<string> {
  const listed = [...permissions].sort();
  const name = `r${[...listed.join(" ")].reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) >>> 0, 7)}`;
  const [known] = await sqlAll("SELECT name FROM roles WHERE name = ?", name);
  if (!known) await createRoleRow(name, listed);
  return name;
}

/** All permissions except these. */
export function allBut(...left: readonly string[]): string[] {
  return PERMISSION_NAMES.filter((name) => !left.includes(name));
}

/** Creates a user whose role grants exactly these permissions. */
export async function createHolder(...permissions: readonly string[]): Promise<TestUser> {
  return createTestUser(await roleOf(permissions));
}

/** Changes a user's role directly in D1, without ending their sessions. */
export async function setRole({ id }: { id: string }, role: string): Promise<void> {
  await sqlRun("UPDATE users SET role = ? WHERE id = ?", role, id);
}

/** Sends an operation on another user's credentials, such as `unlock`. */
export function manage(id: string, operation: string, { token }: { token: string }) {
  return send(`/v1/users/${id}/${operation}`, { method: "POST", token });
}
