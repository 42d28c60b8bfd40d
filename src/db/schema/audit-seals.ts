import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * One row per day of the audit trail, each chained to the one of the day before. Triggers keep rows immutable; only `archived_at` and
 * `trimmed_at` may be set, once. Setting `trimmed_at` lets the events from `first_id` to `last_id` be deleted.
 */
export const auditSeals = sqliteTable(
  "audit_seals",
  {
    /** The day in UTC, as YYYY-MM-DD. */
    day: text().primaryKey(),
    /** How many events the day has. */
    count: integer().notNull(),
    firstId: text("first_id"),
    lastId: text("last_id"),
    digest: text().notNull(),
    previousDigest: text("previous_digest"),
    signature: text().notNull(),
    kid: text().notNull(),
    sealedAt: integer("sealed_at").notNull(),
    archivedAt: integer("archived_at"),
    trimmedAt: integer("trimmed_at"),
  },
  (table) => [
    // For the trigger that looks up the seal of an event that is to be deleted.
    index("audit_seals_first_id").on(table.firstId).where(sql`first_id IS NOT NULL`),
    // For the jobs that look for the oldest day that is still to be archived or trimmed.
    index("audit_seals_unarchived").on(table.day).where(sql`archived_at IS NULL`),
    index("audit_seals_untrimmed").on(table.day).where(sql`trimmed_at IS NULL`),
    // For the latest day that was trimmed: its events may still be there.
    index("audit_seals_trimmed").on(table.day).where(sql`trimmed_at IS NOT NULL`),
  ],
);

/**
 * Shortened digests of the events of a day, in the order of their ids, a thousand per row. They only help to name an event that was
 * changed: whether one was is decided by the digest of the day. Triggers keep the rows of a sealed day immutable.
 */
export const auditSealRows = sqliteTable(
  "audit_seal_rows",
  {
    day: text().notNull(),
    /** Counts from 0. */
    part: integer().notNull(),
    /** The first 8 bytes of the SHA-256 of each event, as base64url. */
    digests: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.part] })],
);
