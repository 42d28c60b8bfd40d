import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { unionAll } from "drizzle-orm/sqlite-core";
import type { UserRef } from "../../access/target.ts";
import { factorColumns } from "../../authentication/factors/repository.ts";
import type { Db } from "../../db/client.ts";
import { auditEvents } from "../../db/schema/audit-events.ts";
import { factors } from "../../db/schema/factors.ts";
import { loginAttempts } from "../../db/schema/login-attempts.ts";
import { oneTimeTokens } from "../../db/schema/one-time-tokens.ts";
import { profiles } from "../../db/schema/profiles.ts";
import { recoveryCodes } from "../../db/schema/recovery-codes.ts";
import { roles } from "../../db/schema/roles.ts";
import { users } from "../../db/schema/users.ts";

/** A user, deleted or not, with what decides whether a caller may export their data. */
export function findExportable(db: Db, user: UserRef) {
  return db
    .select({ id: users.id, deletedAt: users.deletedAt, permissions: roles.permissions })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .where(eq(users.id, user));
}

/** The stored profile of a user, deleted or not. There is none until it is first written. */
export function findStoredProfile(db: Db, user: UserRef) {
  return db.select().from(profiles).where(eq(profiles.userId, user));
}

/** How many user agents and networks a user is known to log in from, of which only keyed hashes are stored, and their days for analytics. */
export function findActivity(db: Db, user: UserRef) {
  return db
    .select({
      devices: sql<number>`coalesce(json_array_length(${users.knownDevices}), 0)`.as("devices"),
      networks: sql<number>`(SELECT count(*) FROM json_each(${users.knownNetworks}))`.as(
        "networks",
      ),
      lastActiveDay: users.lastActiveDay,
      registeredDay: users.registeredDay,
    })
    .from(users)
    .where(eq(users.id, user));
}

/** The one-time tokens stored for a user, without their hashes: at most one per purpose. */
export function listTokensOfUser(db: Db, user: UserRef) {
  return db
    .select({
      purpose: oneTimeTokens.purpose,
      address: oneTimeTokens.address,
      expiresAt: oneTimeTokens.expiresAt,
    })
    .from(oneTimeTokens)
    .where(eq(oneTimeTokens.userId, user))
    .orderBy(oneTimeTokens.purpose);
}

/** The times of the login attempts stored for a user, those with second factors and codes of emails included, the oldest first. Their number is limited by the lock-out. */
export function listAttemptsOfUser(db: Db, user: UserRef) {
  return db
    .select({ attemptedAt: sql<number>`attempt.value`.as("attempted_at") })
    .from(sql`${loginAttempts}, json_each(${loginAttempts.attempts}, '$."*"') AS attempt`)
    .where(
      sql`${loginAttempts.key} IN ('user:' || ${user}, 'mfa:' || ${user}, 'email:' || ${user})`,
    )
    .orderBy(sql`attempted_at`);
}

/** The second factors of a user, without their secrets. Their number is limited. */
export function listFactorsOfUser(db: Db, user: UserRef) {
  return db
    .select({ ...factorColumns, credentialId: factors.credentialId })
    .from(factors)
    .where(and(eq(factors.userId, user), isNotNull(factors.confirmedAt)))
    .orderBy(factors.id);
}

/** How many recovery codes a user has left. Only hashes of them are stored. */
export function countCodesOfUser(db: Db, user: UserRef) {
  return db
    .select({ left: sql<number>`json_array_length(${recoveryCodes.hashes})`.as("codes_left") })
    .from(recoveryCodes)
    .where(eq(recoveryCodes.userId, user));
}

/**
 * The audit events that have a user as their target, actor or origin, the oldest first, starting after the id in `after`.
 * Merges ranges of three indexes, each of which has the events that the ones before it do not have. The conditions are those of
 * the indexes. Events are small: a page has up to 2 × `limit`.
 */
export function listEventsConcerning(db: Db, user: UserRef, after: string, limit: number) {
  const range = (condition: SQL) =>
    db.select().from(auditEvents).where(sql`${condition} AND ${auditEvents.id} > ${after}`);
  return unionAll(
    range(sql`target_id = ${user} AND (actor_id IS target_id) = 1`),
    range(sql`target_id = ${user} AND (actor_id IS target_id) = 0`),
    range(sql`actor_id = ${user} AND actor_id IS NOT target_id`),
    range(sql`origin_of = ${user} AND origin_of IS NOT actor_id AND origin_of IS NOT target_id`),
  )
    .orderBy(sql`id`)
    .limit(2 * limit);
}
