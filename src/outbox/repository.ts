import { and, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../access/target.ts";
import type { Db } from "../db/client.ts";
import { insertWhere } from "../db/insert.ts";
import { mailOutbox } from "../db/schema/mail-outbox.ts";
import { firstIdAt } from "../lib/ids.ts";

interface NewMail {
  id: string;
  userId: string;
  kind: string;
  address: string;
  /** 0 for emails with a link, 1 for all others. */
  priority: 0 | 1;
  now: number;
}

/** Queues an email where the condition holds. */
export function insertMail(db: Db, { now, ...mail }: NewMail, condition: SQL) {
  const row = {
    ...mail,
    createdAt: now,
    attempts: 0,
    nextAttemptAt: now,
    lease: null,
    leasedUntil: null,
    sentAt: null,
    failedAt: null,
  };
  return insertWhere(db, mailOutbox, row, condition).returning({
    userId: mailOutbox.userId,
    id: mailOutbox.id,
  });
}

/** An email that was queued. */
export type QueuedMail = Awaited<ReturnType<typeof insertMail>>[number];

/**
 * Deletes a user's unsent emails of these kinds that were queued after `since`, where the condition holds. A sender that has
 * claimed one gets no token for it.
 */
export function deleteUnsentMail(
  db: Db,
  { userId, kinds, since }: { userId: string; kinds: readonly string[]; since: number },
  condition: SQL,
) {
  return db
    .delete(mailOutbox)
    .where(
      and(
        eq(mailOutbox.userId, userId),
        gt(mailOutbox.id, firstIdAt(since)),
        sql`${mailOutbox.kind} IN (SELECT value FROM json_each(${JSON.stringify(kinds)}))`,
        isNull(mailOutbox.sentAt),
        condition,
      ),
    );
}

/** True while an address is the user's and verified. */
export function whereAddressVerified({
  userId,
  address,
}: Pick<NewMail, "userId" | "address">): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS recipient WHERE recipient.id = ${userId} AND recipient.email = ${address}
    AND recipient.email_verified = 1)`;
}

/** True while fewer than `limit` emails of a kind were queued for an address after `since`. */
export function whereFewerMails(
  { kind, address }: Pick<NewMail, "kind" | "address">,
  since: number,
  limit: number,
): SQL {
  return sql`(SELECT count(*) FROM (SELECT 1 FROM mail_outbox AS earlier WHERE earlier.address = ${address} COLLATE NOCASE
    AND earlier.kind = ${kind} AND earlier.created_at > ${since} LIMIT ${limit})) < ${limit}`;
}

/** True while fewer than `limit` emails of a kind were queued for a user after `since`, to any address. */
export function whereFewerMailsOfUser(
  { userId, kind }: Pick<NewMail, "userId" | "kind">,
  since: number,
  limit: number,
): SQL {
  return sql`(SELECT count(*) FROM (SELECT 1 FROM mail_outbox AS earlier WHERE earlier.user_id = ${userId}
    AND earlier.id > ${firstIdAt(since)} AND earlier.kind = ${kind} AND earlier.created_at > ${since} LIMIT ${limit})) < ${limit}`;
}

interface Claim {
  lease: string;
  now: number;
  leaseMs: number;
}

/**
 * Leases emails that are due, those with a link first. Of concurrent claims, exactly one gets each email. An expired lease can
 * be claimed again.
 */
export function claimDueMail(db: Db, claim: Claim, limit: number) {
  return claimMail(
    db,
    claim,
    sql`(${mailOutbox.userId}, ${mailOutbox.id}) IN (SELECT user_id, id FROM mail_outbox WHERE priority IN (0, 1)
      AND ${whereDue(claim.now)} ORDER BY priority, next_attempt_at LIMIT ${limit})`,
  );
}

/** Leases these emails, as far as they are due. */
export function claimQueuedMail(db: Db, claim: Claim, queued: readonly QueuedMail[]) {
  const keys = JSON.stringify(queued.map(({ userId, id }) => [userId, id]));
  return claimMail(
    db,
    claim,
    sql`(${mailOutbox.userId}, ${mailOutbox.id}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${keys}))
      AND ${whereDue(claim.now)}`,
  );
}

function claimMail(db: Db, { lease, now, leaseMs }: Claim, condition: SQL) {
  return db
    .update(mailOutbox)
    .set({ lease, leasedUntil: now + leaseMs, attempts: sql`${mailOutbox.attempts} + 1` })
    .where(condition)
    .returning({
      id: mailOutbox.id,
      userId: mailOutbox.userId,
      kind: mailOutbox.kind,
      address: mailOutbox.address,
      priority: mailOutbox.priority,
      attempts: mailOutbox.attempts,
      createdAt: mailOutbox.createdAt,
      name: sql<string>`(SELECT coalesce(recipient.first_name, recipient.username) FROM users AS recipient
        WHERE recipient.id = mail_outbox.user_id)`.as("name"),
      // An email about an API key has the key's id, one about what a proof has removed or about a provider the id of the event that says so.
      about: sql<string | null>`CASE kind
        WHEN 'api_key_created' THEN (SELECT subject.name FROM api_keys AS subject WHERE subject.id = mail_outbox.id)
        WHEN 'identity_linked' THEN (SELECT link.metadata ->> '$.provider' FROM audit_events AS link WHERE link.id = mail_outbox.id)
        WHEN 'identity_unlinked' THEN (SELECT link.metadata ->> '$.provider' FROM audit_events AS link WHERE link.id = mail_outbox.id)
        WHEN 'address_proven' THEN (SELECT proof.metadata ->> '$.removed' FROM audit_events AS proof WHERE proof.id = mail_outbox.id)
        END`.as("about"),
    });
}

function whereDue(now: number): SQL {
  return sql`sent_at IS NULL AND failed_at IS NULL AND next_attempt_at <= ${now}
    AND (leased_until IS NULL OR leased_until <= ${now})`;
}

export type ClaimedMail = Awaited<ReturnType<typeof claimMail>>[number];

interface Lease {
  userId: string;
  id: string;
  lease: string;
}

/** Records the outcome of an attempt, if the lease is still held. */
export function settleMail(
  db: Db,
  at: Lease,
  outcome: { sentAt?: number; failedAt?: number; nextAttemptAt: number },
) {
  return db
    .update(mailOutbox)
    .set({ ...outcome, lease: null, leasedUntil: null })
    .where(
      and(
        eq(mailOutbox.userId, at.userId),
        eq(mailOutbox.id, at.id),
        eq(mailOutbox.lease, at.lease),
      ),
    );
}

/** True while an email is held by this lease and not sent. */
export function whereLeased({ userId, id, lease }: Lease): SQL {
  return sql`EXISTS (SELECT 1 FROM mail_outbox AS mine WHERE mine.user_id = ${userId} AND mine.id = ${id}
    AND mine.lease = ${lease} AND mine.sent_at IS NULL)`;
}

/** Deletes up to `limit` emails that were sent or given up and whose retention period is over. */
export function deleteOldMail(db: Db, now: number, limit: number) {
  return db
    .delete(mailOutbox)
    .where(
      sql`(${mailOutbox.userId}, ${mailOutbox.id}) IN (SELECT user_id, id FROM mail_outbox WHERE priority IN (0, 1)
        AND next_attempt_at <= ${now} AND (sent_at IS NOT NULL OR failed_at IS NOT NULL) LIMIT ${limit})`,
    )
    .returning({ id: mailOutbox.id });
}

/** A user's emails in the outbox, sent or not, the oldest first, starting after the id in `after`. */
export function listMailOfUser(db: Db, user: UserRef, after: string, limit: number) {
  return db
    .select({
      id: mailOutbox.id,
      kind: mailOutbox.kind,
      address: mailOutbox.address,
      createdAt: mailOutbox.createdAt,
      sentAt: mailOutbox.sentAt,
    })
    .from(mailOutbox)
    .where(and(eq(mailOutbox.userId, user), gt(mailOutbox.id, after)))
    .orderBy(mailOutbox.id)
    .limit(limit);
}

export type MailRow = Awaited<ReturnType<typeof listMailOfUser>>[number];

/**
 * The number of emails that are waiting, when the oldest of them was queued, and the number of those that were given up. An email
 * waits until `dueBefore` at the latest.
 */
export function countOutbox(db: Db, dueBefore: number) {
  const waiting = sql`FROM mail_outbox WHERE priority IN (0, 1) AND next_attempt_at <= ${dueBefore} AND sent_at IS NULL
    AND failed_at IS NULL`;
  return db
    .select({
      pending: sql<number>`(SELECT count(*) ${waiting})`.as("pending"),
      oldestAt: sql<number | null>`(SELECT min(created_at) ${waiting})`.as("oldestAt"),
      failed: sql<number>`(SELECT count(*) FROM mail_outbox WHERE failed_at IS NOT NULL)`.as(
        "failed",
      ),
    })
    .from(sql`(SELECT 1)`);
}
