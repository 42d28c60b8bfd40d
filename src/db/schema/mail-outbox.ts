import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/** Mails that are to go out, and for a while those that went. `lease` names who is at it until `leased_until`. No token is kept here. */
export const mailOutbox = sqliteTable(
  "mail_outbox",
  {
    id: text().primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    kind: text().notNull(),
    address: text().notNull(),
    createdAt: integer("created_at").notNull(),
    attempts: integer().notNull().default(0),
    nextAttemptAt: integer("next_attempt_at").notNull(),
    lease: text(),
    leasedUntil: integer("leased_until"),
    sentAt: integer("sent_at"),
    failedAt: integer("failed_at"),
  },
  (table) => [
    index("mail_outbox_due")
      .on(table.nextAttemptAt)
      .where(sql`sent_at IS NULL AND failed_at IS NULL`),
    index("mail_outbox_by_user").on(table.userId, table.kind, table.createdAt),
    index("mail_outbox_by_address").on(sql`address COLLATE NOCASE`, table.kind, table.createdAt),
    index("mail_outbox_created_at").on(table.createdAt),
  ],
);
