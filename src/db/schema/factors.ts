import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/**
 * The second factors of users. A TOTP factor has its secret, sealed under the user's data key, and the last time step that was
 * accepted; until it is confirmed, it has `expires_at` and no `confirmed_at`. A passkey has the id, public key and flags of its
 * credential. `is_user_verified` is set once its authenticator has checked the user at the registration, or beside another factor;
 * null for passkeys of releases that did not store it.
 */
export const factors = sqliteTable(
  "factors",
  {
    id: text().primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    type: text({ enum: ["totp", "passkey"] }).notNull(),
    name: text().notNull(),
    createdAt: integer("created_at").notNull(),
    confirmedAt: integer("confirmed_at"),
    expiresAt: integer("expires_at"),
    lastUsedAt: integer("last_used_at"),
    secret: text(),
    lastStep: integer("last_step"),
    credentialId: text("credential_id"),
    publicKey: text("public_key"),
    signCount: integer("sign_count"),
    transports: text({ mode: "json" }).$type<string[]>(),
    isBackupEligible: integer("is_backup_eligible", { mode: "boolean" }),
    isBackedUp: integer("is_backed_up", { mode: "boolean" }),
    isUserVerified: integer("is_user_verified", { mode: "boolean" }),
  },
  (table) => [
    index("factors_by_user").on(table.userId, table.id),
    // One authenticator app per user, and one that is not confirmed yet.
    uniqueIndex("factors_totp")
      .on(table.userId, sql`(confirmed_at IS NULL)`)
      .where(sql`type = 'totp'`),
    uniqueIndex("factors_credential").on(table.credentialId).where(sql`credential_id IS NOT NULL`),
    index("factors_pending").on(table.expiresAt).where(sql`expires_at IS NOT NULL`),
  ],
);
