import { z } from "@hono/zod-openapi";
import { toValidators, type Versioned } from "../http/etag.ts";
import { readOnlyField, Timestamp, text } from "../http/fields.ts";
import { PageQuery, pageOf } from "../http/pagination.ts";
import { toTimestamp } from "../lib/time.ts";
import { PermissionName, permissionList } from "./permissions/schema.ts";
import type { RoleRow } from "./repository.ts";

/** The name of a role, as used in tokens and paths. */
const RoleName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,49}$/,
    "Must start with a lower-case letter and contain only lower-case letters, digits, `_` and `-`, at most 50 characters.",
  )
  .openapi({ example: "support" });

const Description = text(500).openapi({ example: "Helps users with account problems." });

const Permissions = permissionList().openapi({ example: ["users:read"] });

const RequireMfa = z.boolean().openapi({
  description:
    "Whether the holders of the role need a second factor. A holder without one can log in only to set one up.",
});

export const CreateRole = z
  .strictObject({
    name: RoleName,
    description: Description.default(""),
    permissions: Permissions,
    require_mfa: RequireMfa.default(false),
  })
  .openapi("CreateRole");
export type CreateRole = z.infer<typeof CreateRole>;

/** Fields that GET returns and PUT cannot change. */
const readOnly = {
  name: readOnlyField({ type: "string" }),
  is_system: readOnlyField({ type: "boolean" }),
  created_at: readOnlyField({ type: "string", format: "date-time" }),
  updated_at: readOnlyField({ type: "string", format: "date-time" }),
};

export const READ_ONLY_FIELDS = Object.keys(readOnly) as (keyof typeof readOnly)[];

export const ReplaceRole = z
  .strictObject({
    description: Description.optional().openapi({
      description: "Empty if absent. The description of a system role cannot be changed.",
    }),
    permissions: Permissions,
    require_mfa: RequireMfa.optional().openapi({ description: "Unchanged if it is absent." }),
    ...readOnly,
  })
  .openapi("ReplaceRole", {
    description:
      "A role as GET returns it. Fields that cannot be changed may be absent or unchanged.",
  });
export type ReplaceRole = z.infer<typeof ReplaceRole>;

export const RoleParams = z.strictObject({
  name: RoleName.openapi({
    param: { name: "name", in: "path" },
    description: "The name of the role.",
  }),
});

export const ListQuery = PageQuery;

export const Role = z
  .object({
    name: z.string().openapi({ example: "support" }),
    description: z.string(),
    permissions: z.array(PermissionName).openapi({ example: ["users:read"] }),
    require_mfa: RequireMfa,
    is_system: z.boolean().openapi({
      description: "System roles cannot be deleted, and only their `require_mfa` can be changed.",
    }),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Role");
export const RolePage = pageOf(Role, "RolePage");

/** The version of a role, for its `ETag`. A role that is deleted and created again never has an `ETag` of the former one. */
export function toVersioned({ name, version, createdAt }: RoleRow): Versioned {
  return { id: `${name}-${createdAt.toString(36)}`, version };
}

/** A role as the API shows it. */
export function presentRole(row: RoleRow): z.infer<typeof Role> {
  return {
    name: row.name,
    description: row.description,
    permissions: row.permissions,
    require_mfa: row.requireMfa,
    is_system: row.isSystem,
    created_at: toTimestamp(row.createdAt),
    updated_at: toTimestamp(row.updatedAt),
  };
}

/** The response to the creation of a role. */
export function presentNewRole(row: RoleRow) {
  const headers = { Location: `/v1/roles/${row.name}`, ...toValidators(toVersioned(row)) };
  return { status: 201 as const, headers, body: presentRole(row) };
}
