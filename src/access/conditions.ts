import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { users } from "../db/schema/users.ts";
import type { Principal } from "./principal.ts";

/**
 * Conditions that decide, inside the statement that does the work, whether whoever asked for it still may.
 * What the guard saw a moment ago may have changed since; what these see cannot.
 */
export interface Authorization {
  /** The credential is live and so is its user. */
  isLive: SQL;
  /** It holds the permissions that are needed. */
  holds: SQL;
  /** It holds every permission of the roles that are touched. */
  covers: SQL;
}

interface Demand {
  permissions: readonly string[];
  /** Roles of which every permission must be held: a column of the statement, a subquery or a name. */
  roles: readonly SQL[];
  now: number;
}

/** The conditions under which a principal may do something. */
export function authorize(
  principal: Principal,
  { permissions, roles, now }: Demand,
): Authorization {
  const held = permissionsHeldBy(principal);
  const covered = roles.map(
    (role) => sql`NOT EXISTS (SELECT 1 FROM role_permissions AS needed
      WHERE needed.role = ${role} AND needed.permission NOT IN (${held}))`,
  );
  return {
    isLive: isLive(principal, now),
    holds: sql`NOT EXISTS (SELECT 1 FROM json_each(${JSON.stringify(permissions)}) AS wanted
      WHERE wanted.value NOT IN (${held}))`,
    covers: sql.join([sql`true`, ...covered], sql` AND `),
  };
}

/** All of it in one condition. */
export function whereAuthorized({ isLive: live, holds, covers }: Authorization): SQL {
  return sql`(${live} AND ${holds} AND ${covers})`;
}

/** Which of the conditions hold, for saying why a statement did nothing. Conditions over columns of `users` are read off the user given. */
export function findStanding(
  db: Db,
  { isLive: live, holds, covers }: Authorization,
  userId?: string,
) {
  return db
    .select({
      isLive: sql<number>`${live}`.as("is_live"),
      holds: sql<number>`${holds}`.as("holds"),
      covers: sql<number>`${covers}`.as("covers"),
    })
    .from(userId ? sql`users WHERE users.id = ${userId}` : sql`(SELECT 1)`);
}

export type Standing = Record<keyof Authorization, number>;

/** What a role grants, sorted, as a column. */
export function permissionsOfRole(role: SQL) {
  return sql`(SELECT json_group_array(granted.permission ORDER BY granted.permission)
    FROM role_permissions AS granted WHERE granted.role = ${role})`.mapWith(
    (json: string) => JSON.parse(json) as string[],
  );
}

/** A user's role grants each of these permissions. */
export function userCovers(userId: string, permissions: readonly string[]): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM json_each(${JSON.stringify(permissions)}) AS wanted
    WHERE wanted.value NOT IN (SELECT granted.permission FROM users AS o
      JOIN role_permissions AS granted ON granted.role = o.role WHERE o.id = ${userId}))`;
}

/** What a user who is not deleted may do. */
export function findPermissionsOfUser(db: Db, userId: string) {
  return db
    .select({ permissions: permissionsOfRole(sql`users.role`).as("permissions") })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.deletedAt)));
}

function isLive(principal: Principal, now: number): SQL {
  if (principal.type === "api_key") {
    return sql`EXISTS (SELECT 1 FROM api_keys AS k JOIN users AS a ON a.id = k.user_id
      WHERE k.id = ${principal.keyId} AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ${now})
      AND a.is_active = 1 AND a.deleted_at IS NULL)`;
  }
  return sql`EXISTS (SELECT 1 FROM sessions AS s JOIN users AS a ON a.id = s.user_id
    WHERE s.id = ${principal.sessionId} AND s.revoked_at IS NULL AND s.expires_at > ${now}
    AND a.is_active = 1 AND a.deleted_at IS NULL)`;
}

function permissionsHeldBy(principal: Principal): SQL {
  const byRole = sql`SELECT held.permission FROM users AS a
    JOIN role_permissions AS held ON held.role = a.role WHERE a.id = ${principal.userId}`;
  if (principal.type === "user") return byRole;
  return sql`${byRole} AND held.permission IN (SELECT scope.value FROM api_keys AS k, json_each(k.scopes) AS scope
    WHERE k.id = ${principal.keyId})`;
}
