import { type SQL, sql } from "drizzle-orm";

/**
 * Conditions that decide, inside the statement that does the work, whether whoever asked for it still may.
 * What the guard saw a moment ago may have changed since; what these see cannot.
 */

/** The session is live and so is its user. */
export function sessionIsLive(sessionId: string, now: number): SQL {
  return sql`EXISTS (SELECT 1 FROM sessions AS s JOIN users AS a ON a.id = s.user_id
    WHERE s.id = ${sessionId} AND s.revoked_at IS NULL AND s.expires_at > ${now}
    AND a.is_active = 1 AND a.deleted_at IS NULL)`;
}

/** The session's user holds each of these permissions. */
export function sessionHolds(sessionId: string, permissions: readonly string[]): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM json_each(${JSON.stringify(permissions)}) AS wanted
    WHERE wanted.value NOT IN (${permissionsOfSession(sessionId)}))`;
}

/** The session's user holds every permission of a role: of a column's, in a statement over it, or of a named one. */
export function sessionCoversRole(sessionId: string, role: SQL): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM role_permissions AS needed
    WHERE needed.role = ${role} AND needed.permission NOT IN (${permissionsOfSession(sessionId)}))`;
}

function permissionsOfSession(sessionId: string): SQL {
  return sql`SELECT held.permission FROM sessions AS s JOIN users AS a ON a.id = s.user_id
    JOIN role_permissions AS held ON held.role = a.role WHERE s.id = ${sessionId}`;
}

/** What a role grants, sorted, as a column. */
export function permissionsOfRole(role: SQL) {
  return sql`(SELECT json_group_array(granted.permission ORDER BY granted.permission)
    FROM role_permissions AS granted WHERE granted.role = ${role})`.mapWith(
    (json: string) => JSON.parse(json) as string[],
  );
}
