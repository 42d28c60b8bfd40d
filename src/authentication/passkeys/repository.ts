import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { factors } from "../../db/schema/factors.ts";
import { factorColumns } from "../factors/repository.ts";

/** How many passkeys a user can have. */
export const MAX_PASSKEYS = 20;

/** A user's passkeys, for the options of a ceremony. */
export function listPasskeys(db: Db, userId: string) {
  return db
    .select({ credentialId: factors.credentialId, transports: factors.transports })
    .from(factors)
    .where(and(eq(factors.userId, userId), isNotNull(factors.credentialId)))
    .orderBy(factors.id)
    .limit(MAX_PASSKEYS);
}

export type ListedPasskey = Awaited<ReturnType<typeof listPasskeys>>[number];

/** The passkey with this credential id, if it is the user's, where one is given. */
export function findPasskey(db: Db, credentialId: string, userId?: string) {
  return db
    .select({
      id: factors.id,
      userId: factors.userId,
      credentialId: factors.credentialId,
      publicKey: factors.publicKey,
      signCount: factors.signCount,
      isBackupEligible: factors.isBackupEligible,
      isUserVerified: factors.isUserVerified,
    })
    .from(factors)
    .where(
      and(
        eq(factors.credentialId, credentialId),
        userId === undefined ? undefined : eq(factors.userId, userId),
      ),
    );
}

export type PasskeyRow = Awaited<ReturnType<typeof findPasskey>>[number];

/** The id of the user who has the passkey with this credential id; NULL if there is none. */
export function selectPasskeyOwner(credentialId: string): SQL {
  return sql`(SELECT user_id FROM factors WHERE credential_id = ${credentialId})`;
}

/** True while the user has the passkey. */
export function wherePasskeyHeld({ id, userId }: Pick<PasskeyRow, "id" | "userId">): SQL {
  return sql`EXISTS (SELECT 1 FROM factors AS key WHERE key.id = ${id} AND key.user_id = ${userId})`;
}

/** True while nobody has a passkey with this credential id. */
export function whereCredentialFree(credentialId: string): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM factors AS taken WHERE taken.credential_id = ${credentialId})`;
}

/** True while the user has fewer passkeys than the limit. */
export function wherePasskeysLeft(userId: string): SQL {
  return sql`(SELECT count(*) FROM factors AS held WHERE held.user_id = ${userId} AND held.credential_id IS NOT NULL) < ${MAX_PASSKEYS}`;
}

interface NewPasskey {
  id: string;
  userId: string;
  name: string;
  createdAt: number;
  credentialId: string;
  publicKey: string;
  signCount: number;
  transports: string[];
  isBackupEligible: boolean;
  isBackedUp: boolean;
  isUserVerified: boolean;
}

/** Inserts a passkey, which needs no further confirmation, where the condition holds. */
export function insertPasskey(db: Db, passkey: NewPasskey, condition: SQL) {
  const row = {
    ...passkey,
    type: "passkey" as const,
    confirmedAt: passkey.createdAt,
    lastUsedAt: passkey.createdAt,
    expiresAt: null,
    secret: null,
    lastStep: null,
  };
  return insertWhere(db, factors, row, condition).returning(factorColumns);
}

interface PasskeyUse {
  id: string;
  signCount: number;
  isBackedUp: boolean;
  /** Whether the authenticator has checked the user, which is believed from now on. */
  isUserVerified: boolean;
  now: number;
}

/** Records the use of a passkey where the condition holds. The sign count never decreases, so that a regression is noticed again. */
export function recordPasskeyUse(db: Db, use: PasskeyUse, condition: SQL) {
  const { id, signCount, isBackedUp, isUserVerified, now } = use;
  return db
    .update(factors)
    .set({
      signCount: sql`max(${factors.signCount}, ${signCount})`,
      isBackedUp,
      ...(isUserVerified && { isUserVerified }),
      lastUsedAt: now,
    })
    .where(and(eq(factors.id, id), condition));
}
