import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { roles } from "../../db/schema/roles.ts";
import { users } from "../../db/schema/users.ts";

/**
 * True while an account can log in, its password has not changed since the first factor was checked, it has no second factor, and
 * its role requires none.
 */
export function whereNeedsNoFactor(userId: string, passwordVersion: number): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS owner JOIN roles AS held ON held.name = owner.role
    WHERE owner.id = ${userId} AND owner.password_version = ${passwordVersion} AND owner.is_active = 1 AND owner.deleted_at IS NULL
      AND owner.mfa_enabled = 0 AND held.require_mfa = 0)`;
}

/** Whether a user has a second factor, and whether their role requires one, if the condition holds. */
export function findFactorNeed(db: Db, userId: string, condition: SQL) {
  return db
    .select({ mfaEnabled: users.mfaEnabled, requireMfa: roles.requireMfa })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .where(and(eq(users.id, userId), condition));
}
