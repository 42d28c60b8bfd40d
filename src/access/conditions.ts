import { type SQL, sql } from "drizzle-orm";
import type { Permission } from "./permissions.ts";
import { isSelf, type Principal } from "./principal.ts";
import type { Acting } from "./read.ts";
import type { Scope } from "./rule.ts";

/** What a change touches, and so what its actor must hold. */
export interface Demand {
  /**
   * Whose account the change touches, with an SQL expression for that user's role: everything that the role grants must be
   * held, unless it is the actor's own. Where the operation's rule lets people act on themselves, its permission is not asked
   * of them either.
   */
  on?: { userId: string; role: SQL };
  /** Permissions that this change needs beyond the operation's own, or gives away. */
  needs?: readonly (Permission | string)[];
  /** A role that is given away, as an SQL expression: everything that it grants must be held. */
  grants?: SQL;
}

/**
 * True while the actor's credential lives and holds what the change demands: the condition of the statement that
 * changes something. What was read a moment before may have changed since; what this sees cannot.
 */
export function whereAuthorized({ actor, access, now }: Acting, demand: Demand): SQL {
  const { rule } = access;
  const isOwn = demand.on !== undefined && isSelf(actor, demand.on.userId);
  const needs: string[] = [...(demand.needs ?? [])];
  if (rule.kind === "permission" || (rule.kind !== "own" && !isOwn)) needs.push(rule.permission);
  const conditions = needs.map((name) => whereHeld(actor, sql`${JSON.stringify(name)}`));
  for (const role of [isOwn ? undefined : demand.on?.role, demand.grants]) {
    if (role) conditions.push(whereCovered(actor, role));
  }
  const held = sql.join([sql`true`, ...conditions], sql` AND `);
  return sql`EXISTS (SELECT 1 FROM ${callerOf(actor, rule.scope, now())} AND ${held})`;
}

/** True while every permission in a JSON array is among those of a user's role. */
export function whereUserHolds(userId: string, permissions: readonly string[]): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM json_each(${JSON.stringify(permissions)}) AS wanted
    WHERE instr((SELECT r.permissions FROM users AS o JOIN roles AS r ON r.name = o.role WHERE o.id = ${userId}),
      '"' || wanted.value || '"') = 0)`;
}

// The role that the user `a` holds on a scope.
function roleOn({ kind }: Scope): SQL {
  switch (kind) {
    case "service":
      return sql`a.role`;
  }
}

// The actor's rows as `a` (user), `held` (role) and `k` (API key).
function callerOf(actor: Principal, scope: Scope, now: number): SQL {
  const role = roleOn(scope);
  const owner = sql`a.is_active = 1 AND a.deleted_at IS NULL`;
  if (actor.type === "api_key") {
    return sql`api_keys AS k JOIN users AS a ON a.id = k.user_id JOIN roles AS held ON held.name = ${role}
      WHERE k.id = ${actor.keyId} AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ${now}) AND ${owner}`;
  }
  return sql`sessions AS s JOIN users AS a ON a.id = s.user_id JOIN roles AS held ON held.name = ${role}
    WHERE s.id = ${actor.sessionId} AND s.revoked_at IS NULL AND s.expires_at > ${now} AND ${owner}`;
}

// Permissions are JSON arrays of names without quotes, so a quoted name is found in the text exactly when it is an element.
function whereHeld(actor: Principal, quoted: SQL): SQL {
  const byRole = sql`instr(held.permissions, ${quoted}) > 0`;
  return actor.type === "user" ? byRole : sql`${byRole} AND instr(k.scopes, ${quoted}) > 0`;
}

function whereCovered(actor: Principal, role: SQL): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM roles AS touched, json_each(touched.permissions) AS wanted
    WHERE touched.name = ${role} AND NOT (${whereHeld(actor, sql`'"' || wanted.value || '"'`)}))`;
}
