import { z } from "@hono/zod-openapi";
import { SELF_SCOPE_NAMES } from "../access/permissions.ts";
import { toETag } from "../http/etag.ts";
import { fault, Timestamp, text, VISIBLE_PATTERN } from "../http/fields.ts";
import { pageOf, pageQuery } from "../http/pagination.ts";
import { idParam } from "../http/params.ts";
import { parseId } from "../lib/ids.ts";
import { toTimestamp, toTimestampOrNull } from "../lib/time.ts";
import { permissionList } from "../roles/permissions/schema.ts";
import type { ApiKeyRow } from "./repository.ts";

const Name = text(100)
  .min(1)
  .openapi("ApiKeyName", {
    pattern: VISIBLE_PATTERN.replace("^", "^(?=.*[^ ])"),
    example: "Nightly export",
  });

const Scope = z.string().openapi("Scope", {
  description: "A permission, or a scope that reaches only the owner of the key.",
  example: "users:read",
  anyOf: [{ $ref: "#/components/schemas/PermissionName" }, { enum: SELF_SCOPE_NAMES }],
});

const Scopes = permissionList(Scope).openapi({
  description:
    "Permissions that the key can use, and `me:read` (its owner's user and profile) or `me:write` (its owner's names and profile).",
  example: ["users:read"],
});

const Expiry = z.iso
  .datetime({ offset: true })
  .nullable()
  .openapi({ description: "When the key expires. Null: never." });

export const CreateApiKey = z
  .strictObject({
    name: Name,
    scopes: Scopes,
    expires_at: Expiry.optional(),
    user_id: z
      .string()
      .overwrite((id) => parseId(id) ?? id)
      .refine((id) => parseId(id) !== undefined, fault("invalid_format", "Must be a UUID."))
      .optional()
      .openapi({
        format: "uuid",
        description:
          "The user the key acts for; you by default. Another user needs api_keys:write.",
      }),
  })
  .openapi("CreateApiKey");
export type CreateApiKey = z.infer<typeof CreateApiKey>;

export const UpdateApiKey = z
  .strictObject({ name: Name, scopes: Scopes, expires_at: Expiry })
  .partial()
  .openapi("UpdateApiKey");
export type UpdateApiKey = z.infer<typeof UpdateApiKey>;

export const ListApiKeysQuery = pageQuery({
  user_id: z
    .string()
    .refine((id) => id === "me" || id === "all" || parseId(id) !== undefined, {
      message: "Must be a UUID, `me` or `all`.",
      params: { code: "invalid_format" },
    })
    .default("me")
    .openapi({
      description:
        "Whose keys to list: a user's id, `me` or `all`. Keys of other users need api_keys:read.",
    }),
  revoked: z.enum(["true", "false", "all"]).default("false").openapi({
    description: "`true` lists only revoked keys, `all` lists revoked keys too.",
  }),
});
export type ListApiKeysQuery = z.infer<typeof ListApiKeysQuery>;

export const ApiKeyParams = z.strictObject({ id: idParam("id", "The id of the key.") });

const apiKey = {
  id: z.uuid(),
  name: z.string().openapi({ example: "Nightly export" }),
  user_id: z.uuid(),
  prefix: z.string().openapi({
    description: "The first characters of the key, to tell keys apart.",
    example: "rstk_1f3a9c20",
  }),
  scopes: z.array(Scope).openapi({ example: ["users:read"] }),
  expires_at: Timestamp.nullable(),
  last_used_at: Timestamp.nullable().openapi({ description: "Recorded at most once per minute." }),
  created_at: Timestamp,
  revoked_at: Timestamp.nullable(),
};

export const ApiKey = z.object(apiKey).openapi("ApiKey");
export const ApiKeyPage = pageOf(ApiKey, "ApiKeyPage");
export const ApiKeyWithSecret = z
  .object({
    ...apiKey,
    key: z.string().openapi({ description: "The key itself, shown only in this response." }),
  })
  .openapi("ApiKeyWithSecret");

/** A key as the API shows it. */
export function presentApiKey(row: ApiKeyRow): z.infer<typeof ApiKey> {
  return {
    id: row.id,
    name: row.name,
    user_id: row.userId,
    prefix: row.prefix,
    scopes: row.scopes,
    expires_at: toTimestampOrNull(row.expiresAt),
    last_used_at: toTimestampOrNull(row.lastUsedAt),
    created_at: toTimestamp(row.createdAt),
    revoked_at: toTimestampOrNull(row.revokedAt),
  };
}

/** A key with its text, which is shown only once. */
export interface IssuedApiKey {
  row: ApiKeyRow;
  key: string;
}

/** The response to the creation of a key. */
export function presentNewApiKey(issued: IssuedApiKey) {
  const { headers, body } = presentRotatedApiKey(issued);
  const location = { Location: `/v1/api-keys/${issued.row.id}` };
  return { status: 201 as const, headers: { ...location, ...headers }, body };
}

/** The response to the rotation of a key. It must not be stored by clients, because it contains the secret. */
export function presentRotatedApiKey({ row, key }: IssuedApiKey) {
  const body = { ...presentApiKey(row), key };
  return { status: 200 as const, headers: { ETag: toETag(row) }, body };
}
