import { and, desc, eq, isNotNull, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { factors } from "../../db/schema/factors.ts";
import { recoveryCodes } from "../../db/schema/recovery-codes.ts";
import { users } from "../../db/schema/users.ts";

/** What the API returns of a factor. */
export const factorColumns = {
  id: factors.id,
  type: factors.type,
  name: factors.name,
  createdAt: factors.createdAt,
  lastUsedAt: factors.lastUsedAt,
  isBackedUp: factors.isBackedUp,
};

export type FactorRow = Pick<typeof factors.$inferSelect, keyof typeof factorColumns>;

/** The types of a user's confirmed factors. */
export function listFactorTypes(db: Db, userId: string) {
  return db.selectDistinct({ type: factors.type }).from(factors).where(whereConfirmedOf(userId));
}

interface FactorPage {
  /** The id after which the page starts. */
  before: unknown;
  skip: number | undefined;
  limit: number;
}

/** A user's confirmed factors, the newest first: `limit` of them after the id in `before`, or after `skip` factors. */
export function listFactors(db: Db, userId: string, { before, skip = 0, limit }: FactorPage) {
  return db
    .select(factorColumns)
    .from(factors)
    .where(
      and(
        whereConfirmedOf(userId),
        typeof before === "string" ? lt(factors.id, before) : undefined,
      ),
    )
    .orderBy(desc(factors.id))
    .limit(limit)
    .offset(skip);
}

/** The number of a user's confirmed factors. */
export function countFactors(db: Db, userId: string) {
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(factors)
    .where(whereConfirmedOf(userId));
}

/** A user's confirmed factor, and what decides whether it can be removed. Without a passkey, the user can still log in if `whereOther`. */
export function findFactor(
  db: Db,
  { userId, id }: { userId: string; id: string },
  whereOther: SQL,
) {
  return db
    .select({
      ...factorColumns,
      isNeeded: sql`NOT ${whereNotRequired(userId, id)}`.mapWith(Boolean).as("is_needed"),
      isOnlyLogin: sql`NOT ${whereLoginRemains(whereOther)}`.mapWith(Boolean).as("is_only_login"),
    })
    .from(factors)
    .where(and(eq(factors.id, id), whereConfirmedOf(userId)));
}

/** True unless this is the user's last factor and their role requires one. */
export function whereNotRequired(userId: string, id: string): SQL {
  return sql`(${whereAnother(userId, id)} OR NOT EXISTS (SELECT 1 FROM users AS owner JOIN roles AS held ON held.name = owner.role
    WHERE owner.id = ${userId} AND held.require_mfa = 1))`;
}

/** True for a factor that is no passkey, and for a passkey without which the user can log in. */
export function whereLoginRemains(whereOther: SQL): SQL {
  return sql`(${factors.type} <> 'passkey' OR ${whereOther})`;
}

function whereAnother(userId: string, id: string): SQL {
  return sql`EXISTS (SELECT 1 FROM factors AS other WHERE other.user_id = ${userId} AND other.id <> ${id}
    AND other.confirmed_at IS NOT NULL)`;
}

function whereConfirmedOf(userId: string) {
  return and(eq(factors.userId, userId), isNotNull(factors.confirmedAt));
}

/** True while a user has a confirmed factor of this type, or of any. */
export function whereHasFactor(userId: string, type?: FactorRow["type"]): SQL {
  return sql`EXISTS (SELECT 1 FROM factors AS held WHERE held.user_id = ${userId} AND held.confirmed_at IS NOT NULL
    AND ${type === undefined ? sql`true` : sql`held.type = ${type}`})`;
}

/** Renames a user's confirmed factor that has this name, where the condition holds. */
export function renameFactor(
  db: Db,
  { userId, id, from, to }: { userId: string; id: string; from: string; to: string },
  condition: SQL,
) {
  return db
    .update(factors)
    .set({ name: to })
    .where(and(eq(factors.id, id), eq(factors.name, from), whereConfirmedOf(userId), condition))
    .returning(factorColumns);
}

/** Deletes a user's confirmed factor where the condition holds. */
export function deleteFactor(db: Db, userId: string, id: string, condition: SQL) {
  return db
    .delete(factors)
    .where(and(eq(factors.id, id), whereConfirmedOf(userId), condition))
    .returning({ id: factors.id });
}

/** Deletes up to `limit` factors that were not confirmed in time. */
export function deleteExpiredFactors(db: Db, now: number, limit: number) {
  return db
    .delete(factors)
    .where(
      sql`${factors.id} IN (SELECT id FROM factors WHERE expires_at IS NOT NULL AND expires_at <= ${now} LIMIT ${limit})`,
    )
    .returning({ id: factors.id });
}

/** Sets `mfa_enabled` of a user to whether they have a confirmed factor, where the condition holds. */
export function updateMfaEnabled(db: Db, userId: string, now: number, condition: SQL) {
  const hasFactor = whereHasFactor(userId);
  return db
    .update(users)
    .set({ mfaEnabled: hasFactor, version: sql`${users.version} + 1`, updatedAt: now })
    .where(and(eq(users.id, userId), sql`${users.mfaEnabled} <> ${hasFactor}`, condition));
}

interface PendingTotp {
  id: string;
  userId: string;
  name: string;
  secret: string;
  createdAt: number;
  expiresAt: number;
}

/** Inserts an authenticator app that is not confirmed yet, where the condition holds. */
export function insertPendingTotp(db: Db, pending: PendingTotp, condition: SQL) {
  const row = {
    ...pending,
    type: "totp" as const,
    confirmedAt: null,
    lastUsedAt: null,
    lastStep: null,
    credentialId: null,
    publicKey: null,
    signCount: null,
    transports: null,
    isBackupEligible: null,
    isBackedUp: null,
  };
  return insertWhere(db, factors, row, condition).returning({ id: factors.id });
}

/** Deletes a user's authenticator app that is not confirmed, where the condition holds. */
export function deletePendingTotp(db: Db, userId: string, condition: SQL) {
  return db.delete(factors).where(and(wherePendingTotpOf(userId), condition));
}

/** A user's authenticator app that can still be confirmed. */
export function findPendingTotp(db: Db, { userId, id, now }: PendingRef) {
  return db
    .select({ id: factors.id, name: factors.name, secret: factors.secret })
    .from(factors)
    .where(and(eq(factors.id, id), wherePendingTotpOf(userId), sql`${factors.expiresAt} > ${now}`));
}

interface PendingRef {
  userId: string;
  id: string;
  now: number;
}

/** Confirms an authenticator app with the time step of its first code, where the condition holds. */
export function confirmPendingTotp(
  db: Db,
  { userId, id, now, step }: PendingRef & { step: number },
  condition: SQL,
) {
  return db
    .update(factors)
    .set({ confirmedAt: now, expiresAt: null, lastUsedAt: now, lastStep: step })
    .where(
      and(
        eq(factors.id, id),
        wherePendingTotpOf(userId),
        sql`${factors.expiresAt} > ${now}`,
        condition,
      ),
    )
    .returning(factorColumns);
}

function wherePendingTotpOf(userId: string) {
  return and(eq(factors.userId, userId), eq(factors.type, "totp"), isNull(factors.confirmedAt));
}

/** A user's authenticator app. */
export function findTotp(db: Db, userId: string) {
  return db
    .select({ id: factors.id, secret: factors.secret, lastStep: factors.lastStep })
    .from(factors)
    .where(and(whereConfirmedOf(userId), eq(factors.type, "totp")));
}

/** True while no code of this time step, or of a later one, was accepted. */
export function whereStepUnused(id: string, step: number): SQL {
  return sql`EXISTS (SELECT 1 FROM factors AS app WHERE app.id = ${id} AND app.confirmed_at IS NOT NULL AND app.last_step < ${step})`;
}

/** Records the time step of a code that was accepted, where the condition holds. */
export function recordTotpStep(
  db: Db,
  { id, step, now }: { id: string; step: number; now: number },
  condition: SQL,
) {
  return db
    .update(factors)
    .set({ lastStep: step, lastUsedAt: now })
    .where(and(eq(factors.id, id), lt(factors.lastStep, step), condition));
}

/** How many recovery codes a user has left. */
export function countRecoveryCodes(db: Db, userId: string) {
  return db
    .select({
      remaining: sql<number>`json_array_length(${recoveryCodes.hashes})`.as("remaining"),
    })
    .from(recoveryCodes)
    .where(eq(recoveryCodes.userId, userId));
}

/** Stores the hashes of a user's recovery codes, which replace all earlier ones, where the condition holds. */
export function upsertRecoveryCodes(
  db: Db,
  row: typeof recoveryCodes.$inferSelect,
  condition: SQL,
) {
  const { hashes, createdAt } = row;
  return insertWhere(db, recoveryCodes, row, condition)
    .onConflictDoUpdate({ target: recoveryCodes.userId, set: { hashes, createdAt } })
    .returning({ userId: recoveryCodes.userId });
}

/** Whether a user has the recovery code with this hash. One row, or none. */
export function findRecoveryCode(db: Db, userId: string, hash: string) {
  return db
    .select({ userId: recoveryCodes.userId })
    .from(recoveryCodes)
    .where(and(eq(recoveryCodes.userId, userId), whereCodeLeft(userId, hash)));
}

/** True while a user has the recovery code with this hash. */
export function whereCodeLeft(userId: string, hash: string): SQL {
  // Hashes are base64url, so a quoted one is in the text only if it is an element.
  return sql`EXISTS (SELECT 1 FROM recovery_codes AS own WHERE own.user_id = ${userId} AND instr(own.hashes, ${JSON.stringify(hash)}) > 0)`;
}

/** True while a user has this number of recovery codes left. */
export function whereCodesLeft(userId: string, count: number): SQL {
  return sql`EXISTS (SELECT 1 FROM recovery_codes AS own WHERE own.user_id = ${userId} AND json_array_length(own.hashes) = ${count})`;
}

/** Removes the recovery code with this hash where the condition holds. */
export function spendRecoveryCode(db: Db, userId: string, hash: string, condition: SQL) {
  const others = sql`(SELECT json_group_array(value) FROM json_each(${recoveryCodes.hashes}) WHERE value <> ${hash})`;
  return db
    .update(recoveryCodes)
    .set({ hashes: others })
    .where(and(eq(recoveryCodes.userId, userId), condition));
}

/** Deletes the recovery codes of a user who has no factor, where the condition holds. */
export function deleteUselessRecoveryCodes(db: Db, userId: string, condition: SQL) {
  return db
    .delete(recoveryCodes)
    .where(and(eq(recoveryCodes.userId, userId), sql`NOT ${whereHasFactor(userId)}`, condition));
}

/** Deletes all factors of a user, confirmed or not, and their recovery codes, where the condition holds. In this order. */
export function removeAllFactors(db: Db, userId: string, now: number, condition: SQL) {
  return {
    removedFactors: db.delete(factors).where(and(eq(factors.userId, userId), condition)),
    removedCodes: deleteUselessRecoveryCodes(db, userId, condition),
    withoutMfa: updateMfaEnabled(db, userId, now, condition),
  };
}

/** Deletes all factors of a user, confirmed or not, where the condition holds. */
export function deleteFactorsOfUser(db: Db, userId: string, condition: SQL) {
  return db.delete(factors).where(and(eq(factors.userId, userId), condition));
}

/** Deletes the recovery codes of a user where the condition holds. */
export function deleteRecoveryCodesOfUser(db: Db, userId: string, condition: SQL) {
  return db.delete(recoveryCodes).where(and(eq(recoveryCodes.userId, userId), condition));
}
