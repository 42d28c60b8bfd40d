import { z } from "@hono/zod-openapi";
import {
  findNameFault,
  MAX_CUSTOM_PERMISSIONS,
  NAME_FORM,
  PERMISSION_NAMES,
  PERMISSIONS,
} from "../../access/permissions.ts";
import { fault, text } from "../../http/fields.ts";
import { limitParam, pageOf, pageQuery } from "../../http/pagination.ts";

const MAX_PERMISSIONS = PERMISSION_NAMES.length + MAX_CUSTOM_PERMISSIONS;
const PAGE_LIMIT = 100;

const NAME_FORMAT = fault(
  "invalid_format",
  "Must be `noun:verb`, 3 to 64 characters of `a` to `z`, `0` to `9`, `_`, `.`, `-` and `:`.",
);
const RESERVED = fault(
  "reserved",
  "The part before the first colon is reserved for permissions of Roster itself.",
);

/** The name of any permission. */
export const PermissionName = z.string().openapi("PermissionName", {
  description: "A permission of Roster itself, or one of your application.",
  example: "users:read",
  anyOf: [{ enum: [...PERMISSION_NAMES] }, { type: "string", ...NAME_FORM }],
});

const CustomName = z
  .string()
  .refine((name) => findNameFault(name) !== "invalid_format", NAME_FORMAT)
  .openapi({ example: "invoices:approve", ...NAME_FORM });

export const CreatePermission = z
  .strictObject({
    name: CustomName.refine((name) => findNameFault(name) !== "reserved", RESERVED),
    description: text(500).default("").openapi({ example: "Approve invoices for payment." }),
  })
  .openapi("CreatePermission");
export type CreatePermission = z.infer<typeof CreatePermission>;

export const PermissionParams = z.strictObject({
  name: CustomName.openapi({
    param: { name: "name", in: "path" },
    description: "The name of the permission.",
  }),
});

export const ListPermissionsQuery = pageQuery({ limit: limitParam(PAGE_LIMIT) });

/**
 * The permissions in a role or the scopes of a key, as sent. Which of them exist is decided later, for all at once (see known.ts),
 * and needs the positions as sent: sort them with `toPermissionSet`.
 */
export function permissionList(names: z.ZodString = PermissionName) {
  return z.array(names).max(MAX_PERMISSIONS);
}

export const Permission = z
  .object({
    name: PermissionName,
    description: z.string().openapi({ example: PERMISSIONS["users:read"] }),
    is_system: z.boolean().openapi({
      description: "True for permissions of Roster itself, which cannot be deleted.",
    }),
  })
  .openapi("Permission");
export const PermissionPage = pageOf(Permission, "PermissionPage");

/** A permission, Roster's own or an application's. */
export interface PermissionInfo {
  name: string;
  description: string;
  isSystem: boolean;
}

/** A permission as the API shows it. */
export function presentPermission({
  name,
  description,
  isSystem,
}: PermissionInfo): z.infer<typeof Permission> {
  return { name, description, is_system: isSystem };
}

/** The response to the creation of a permission. */
export function presentNewPermission(permission: PermissionInfo) {
  return { status: 201 as const, headers: {}, body: presentPermission(permission) };
}
