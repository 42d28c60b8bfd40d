import { type components, ok, okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";

type Schemas = components["schemas"];

// In the document, the names of permissions have more rules than a type can have: there, their type is `unknown`.

/** A role. */
export type Role = Omit<Schemas["Role"], "permissions"> & { permissions: string[] };

/** A permission, Roster's own or an application's. */
export type Permission = Omit<Schemas["Permission"], "name"> & { name: string };

/** What can be changed in a role. */
export type RoleValues = Pick<Role, "description" | "permissions" | "require_mfa">;

/** All roles and all permissions. */
export async function readRolesAndPermissions() {
  const [roles, permissions] = await Promise.all([
    readAll((query) => ok(api.GET("/v1/roles", { params: { query } }))),
    readAll((query) => ok(api.GET("/v1/permissions", { params: { query } }))),
  ]);
  return { roles: roles as Role[], permissions: permissions as Permission[] };
}

/** A role and its version. */
export async function readRole(name: string): Promise<{ role: Role; etag: string }> {
  const { data, etag } = await okWithTag(
    api.GET("/v1/roles/{name}", { params: { path: { name } } }),
  );
  return { role: data as Role, etag };
}

/** Replaces what can be changed in a role, if it still has this version. */
export async function writeRole(name: string, values: RoleValues, etag: string): Promise<void> {
  const params = { path: { name }, header: { "If-Match": etag } };
  await ok(api.PUT("/v1/roles/{name}", { params, body: values }));
}

interface Page<T> {
  data: T[];
  pagination: { next_cursor: string | null };
}

async function readAll<T>(
  read: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = [];
  let next: string | null = null;
  do {
    const { data, pagination }: Page<T> = await read({ limit: 100, ...(next && { cursor: next }) });
    items.push(...data);
    next = pagination.next_cursor;
  } while (next);
  return items;
}

/** The permissions by noun, in alphabetical order; those of Roster itself first. */
export function groupByNoun(permissions: readonly Permission[]): [string, Permission[]][] {
  const groups = new Map<string, Permission[]>();
  const own = permissions.filter(({ is_system }) => !is_system);
  for (const permission of [...permissions.filter(({ is_system }) => is_system), ...own]) {
    const noun = permission.name.split(":")[0] ?? "";
    groups.set(noun, [...(groups.get(noun) ?? []), permission]);
  }
  return [...groups];
}
