import { expect } from "vitest";
import { send } from "./api.ts";
import { sqlAll } from "./fixtures.ts";

type Caller = { token: string };

let counter = 0;

/** A valid name that no permission has. */
export function newPermissionName(): string {
  counter += 1;
  return `invoices:verb${counter}`;
}

export function createPermission({ token }: Caller, name: string, more = {}) {
  return send("/v1/permissions", { body: { name, description: "Ours." }, token, ...more });
}

export function deletePermission({ token }: Caller, name: string, more = {}) {
  return send(`/v1/permissions/${name}`, { method: "DELETE", token, ...more });
}

/** Creates a permission of the application and returns its name. */
export async function newPermission(caller: Caller): Promise<string> {
  const name = newPermissionName();
  expect((await createPermission(caller, name)).status).toBe(201);
  return name;
}

/** Creates a role with a new name. */
export function createRoleWith({ token }: Caller, permissions: string[], more = {}) {
  counter += 1;
  return send("/v1/roles", { body: { name: `role-${counter}`, permissions }, token, ...more });
}

/** The permissions that a role grants. */
export async function grantsOf({ token }: Caller, role: string): Promise<string[]> {
  return (await send(`/v1/roles/${role}`, { token })).body.permissions;
}

/** Whether a permission of the application is stored. */
export async function isStored(name: string): Promise<boolean> {
  return (await sqlAll("SELECT 1 FROM custom_permissions WHERE name = ?", name)).length > 0;
}

/** Names in roles and live keys that are neither permissions of Roster nor of the application. */
export function listOrphans() {
  return sqlAll(`SELECT value FROM (SELECT value FROM roles, json_each(roles.permissions)
    UNION SELECT value FROM api_keys, json_each(api_keys.scopes) WHERE revoked_at IS NULL AND expires_at IS NULL)
    WHERE value LIKE 'invoices:%' AND value NOT IN (SELECT name FROM custom_permissions)`);
}
