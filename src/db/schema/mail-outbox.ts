import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/**
 * Emails to send and, for a while, those that were sent. `lease` identifies the sender that has claimed an email until
 * `leased_until`. `next_attempt_at` is when an email is due, or, once it was sent or given up, when its row is deleted. Tokens are
 * not stored here. `priority` is 0 for emails with a link, which are sent first, and 1 for all others. `language` is null for the
 * default.
 */
export const mailOutbox = sqliteTable(
  "mail_outbox",
  {
    id: text().notNull(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    kind: text().notNull(),
    address: text().notNull(),
    language: text(),
    priority: integer().notNull().default(1),
    createdAt: integer("created_at").notNull(),
    attempts: integer().notNull().default(0),
    nextAttemptAt: integer("next_attempt_at").notNull(),
    lease: text(),
    leasedUntil: integer("leased_until"),
    sentAt: integer("sent_at"),
    failedAt: integer("failed_at"),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.id] }),
    index("mail_outbox_due").on(table.priority, table.nextAttemptAt),
    // For the number of emails that were given up, which are few.
    index("mail_outbox_failed").on(table.failedAt).where(sql`failed_at IS NOT NULL`),
    index("mail_outbox_by_address").on(sql`address COLLATE NOCASE`, table.kind, table.createdAt),
  ],
);
