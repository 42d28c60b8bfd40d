import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/**
 * Responses to requests with an `Idempotency-Key`, for the repetition of those requests. `id` is a MAC of the operation, the
 * principal and the key. `sealed_answer` can only be decrypted with the whole request. `user_id` is whom the response is about.
 */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    id: text().primaryKey(),
    userId: text("user_id").references(() => users.id, { onDelete: "cascade" }),
    sealedAnswer: text("sealed_answer").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [
    index("idempotency_keys_expires_at").on(table.expiresAt),
    // For the deletion of a user, which cascades.
    index("idempotency_keys_user").on(table.userId).where(sql`user_id IS NOT NULL`),
  ],
);
