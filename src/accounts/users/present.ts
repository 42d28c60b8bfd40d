import type { z } from "@hono/zod-openapi";
import { toTimestamp, toTimestampOrNull } from "../../lib/time.ts";
import type { UserRow } from "./repository.ts";
import type { User } from "./schema.ts";

/** A user as the API shows it, field by field: a new column cannot leak. */
export function presentUser(row: UserRow): z.infer<typeof User> {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    email_verified: row.emailVerified,
    first_name: row.firstName,
    last_name: row.lastName,
    full_name: [row.firstName, row.lastName].filter(Boolean).join(" ") || null,
    role: row.role,
    is_active: row.isActive,
    created_at: toTimestamp(row.createdAt),
    updated_at: toTimestamp(row.updatedAt),
    last_login_at: toTimestampOrNull(row.lastLoginAt),
    deleted_at: toTimestampOrNull(row.deletedAt),
  };
}
