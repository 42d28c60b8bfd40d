import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { mailOutbox } from "../db/schema/mail-outbox.ts";

interface NewMail {
  id: string;
  userId: string;
  kind: string;
  address: string;
  now: number;
}

/** Notes that a mail is to go out, where the condition holds and the user exists. */
export function insertMail(db: Db, mail: NewMail, condition: SQL) {
  return db
    .insert(mailOutbox)
    .select(
      sql`SELECT ${mail.id}, users.id, ${mail.kind}, ${mail.address}, ${mail.now}, 0, ${mail.now}, NULL, NULL, NULL, NULL
        FROM users WHERE users.id = ${mail.userId} AND ${condition}`,
    )
    .returning({ id: mailOutbox.id });
}

/** Takes back a user's mails of these kinds that have not gone out, where the condition holds. One that is being sent gets no token. */
export function deleteUnsentMail(db: Db, userId: string, kinds: readonly string[], condition: SQL) {
  return db
    .delete(mailOutbox)
    .where(
      and(
        eq(mailOutbox.userId, userId),
        sql`${mailOutbox.kind} IN (SELECT value FROM json_each(${JSON.stringify(kinds)}))`,
        isNull(mailOutbox.sentAt),
        condition,
      ),
    );
}

/** Fewer mails of a kind than the limit were asked for since the time given, by this user or to this address. */
export function hasFewerMails(
  { userId, kind, address }: Pick<NewMail, "userId" | "kind" | "address">,
  since: number,
  limit: number,
): SQL {
  return sql`(SELECT count(*) FROM mail_outbox AS earlier
    WHERE (earlier.user_id = ${userId} OR earlier.address = ${address} COLLATE NOCASE)
    AND earlier.kind = ${kind} AND earlier.created_at > ${since}) < ${limit}`;
}

/** Takes mails that are due for oneself: of all who ask at once, one gets each. A lease that has run out is up again. */
export function claimMail(
  db: Db,
  { lease, now, leaseMs, limit }: { lease: string; now: number; leaseMs: number; limit: number },
) {
  return db
    .update(mailOutbox)
    .set({ lease, leasedUntil: now + leaseMs, attempts: sql`${mailOutbox.attempts} + 1` })
    .where(
      sql`${mailOutbox.id} IN (SELECT id FROM mail_outbox WHERE sent_at IS NULL AND failed_at IS NULL
        AND next_attempt_at <= ${now} AND (leased_until IS NULL OR leased_until <= ${now})
        ORDER BY next_attempt_at LIMIT ${limit})`,
    )
    .returning({
      id: mailOutbox.id,
      userId: mailOutbox.userId,
      kind: mailOutbox.kind,
      address: mailOutbox.address,
      attempts: mailOutbox.attempts,
      createdAt: mailOutbox.createdAt,
      name: sql<string>`(SELECT coalesce(recipient.first_name, recipient.username) FROM users AS recipient
        WHERE recipient.id = mail_outbox.user_id)`.as("name"),
    });
}

export type ClaimedMail = Awaited<ReturnType<typeof claimMail>>[number];

/** Notes what came of a mail, for whoever still holds the lease. */
export function settleMail(
  db: Db,
  at: { id: string; lease: string },
  outcome: { sentAt: number } | { failedAt: number } | { nextAttemptAt: number },
) {
  return db
    .update(mailOutbox)
    .set({ ...outcome, lease: null, leasedUntil: null })
    .where(and(eq(mailOutbox.id, at.id), eq(mailOutbox.lease, at.lease)));
}

/** True while a mail is one's own to send. */
export function isLeased({ id, lease }: { id: string; lease: string }): SQL {
  return sql`EXISTS (SELECT 1 FROM mail_outbox AS mine WHERE mine.id = ${id} AND mine.lease = ${lease}
    AND mine.sent_at IS NULL)`;
}

/** Deletes up to `limit` mails that were asked for before the time given. */
export function deleteOldMail(db: Db, before: number, limit: number) {
  return db
    .delete(mailOutbox)
    .where(
      sql`${mailOutbox.id} IN (SELECT id FROM mail_outbox WHERE created_at < ${before} LIMIT ${limit})`,
    )
    .returning({ id: mailOutbox.id });
}

/** The mails of a user that are still kept, the oldest first. */
export function listMailOfUser(db: Db, userId: string) {
  return db
    .select({
      kind: mailOutbox.kind,
      address: mailOutbox.address,
      createdAt: mailOutbox.createdAt,
      sentAt: mailOutbox.sentAt,
    })
    .from(mailOutbox)
    .where(eq(mailOutbox.userId, userId))
    .orderBy(mailOutbox.createdAt, mailOutbox.id);
}

/** How many mails wait, and how many were given up. */
export function countOutbox(db: Db) {
  return db
    .select({
      pending: sql<number>`count(*) FILTER (WHERE sent_at IS NULL AND failed_at IS NULL)`.as(
        "pending",
      ),
      failed: sql<number>`count(*) FILTER (WHERE failed_at IS NOT NULL)`.as("failed"),
    })
    .from(mailOutbox);
}
