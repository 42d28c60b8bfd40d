import { type SQL, sql } from "drizzle-orm";
import { momentOf } from "../context.ts";
import type { Moment } from "../lib/time.ts";
import type { Permission } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import type { Acting } from "./read.ts";
import type { Scope } from "./rule.ts";
import { isSelf } from "./self.ts";

/** What a change affects, and so what its actor must hold. */
export interface Demand {
  /**
   * The user whose account the change affects, with an SQL expression for that user's role. The actor must hold everything that
   * the role grants, unless the account is their own. If the operation's rule lets users act on themselves, they do not need its
   * permission for that either.
   */
  on?: { userId: string; role: SQL };
  /** Permissions that the change requires besides the operation's own, or that it grants. */
  needs?: readonly (Permission | string)[];
  /** A role that the change assigns, as an SQL expression. The actor must hold everything that it grants. */
  grants?: SQL;
}

/**
 * True while the actor's credential is live and holds what the change demands. It is a condition of the statement that makes the
 * change, so that, unlike what was read before, it cannot be out of date.
 */
export function whereAuthorized(acting: Acting, demand: Demand): SQL {
  const { actor, access } = acting;
  const { rule } = access;
  const isOwn = demand.on !== undefined && isSelf(acting, demand.on.userId);
  const needs: string[] = [...(demand.needs ?? [])];
  if ("permission" in rule && (rule.kind === "permission" || !isOwn)) needs.push(rule.permission);
  if ("also" in rule) needs.push(...(rule.also ?? []));
  const conditions = [whereAllHeld(actor, needs)];
  if (isOwn && actor.type === "api_key") conditions.push(whereScoped(rule.selfScope));
  for (const role of [isOwn ? undefined : demand.on?.role, demand.grants]) {
    if (role) conditions.push(whereCovered(actor, role));
  }
  const whereMet = sql.join(conditions, sql` AND `);
  return sql`EXISTS (SELECT 1 FROM ${selectActor(actor, rule.scope, momentOf(acting))} AND ${whereMet})`;
}

/** True while the role of a user grants every one of the permissions. */
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

// The actor's live rows as `a` (user), `held` (role) and `k` (API key).
function selectActor(actor: Principal, scope: Scope, { now, revokedBefore }: Moment): SQL {
  const role = roleOn(scope);
  const whereUsable = sql`a.is_active = 1 AND a.deleted_at IS NULL`;
  if (actor.type === "api_key") {
    return sql`api_keys AS k JOIN users AS a ON a.id = k.user_id JOIN roles AS held ON held.name = ${role}
      WHERE k.id = ${actor.keyId} AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ${now})
        AND coalesce(k.secret_created_at, k.created_at) >= ${revokedBefore} AND ${whereUsable}`;
  }
  return sql`sessions AS s JOIN users AS a ON a.id = s.user_id JOIN roles AS held ON held.name = ${role}
    WHERE s.id = ${actor.sessionId} AND s.revoked_at IS NULL AND s.expires_at > ${now} AND s.created_at >= ${revokedBefore}
      AND ${whereUsable} AND (held.require_mfa = 0 OR a.mfa_enabled = 1)`;
}

// Permissions are stored as a JSON array, and their names contain no quotes: a quoted name is in the text only if it is an element.
function whereHeld(actor: Principal, quoted: SQL): SQL {
  const whereGranted = sql`instr(held.permissions, ${quoted}) > 0`;
  if (actor.type === "user") return whereGranted;
  return sql`${whereGranted} AND instr(k.scopes, ${quoted}) > 0`;
}

/** Up to so many permissions are compared one by one, which reads no rows. More would make the expression too deep for SQLite. */
const MAX_COMPARED = 8;

function whereAllHeld(actor: Principal, names: readonly string[]): SQL {
  if (names.length > MAX_COMPARED) {
    return whereNoneMissing(actor, sql`json_each(${JSON.stringify(names)}) AS wanted`);
  }
  const held = names.map((name) => whereHeld(actor, sql`${JSON.stringify(name)}`));
  return sql.join([sql`true`, ...held], sql` AND `);
}

// True while the actor's API key has a scope, whatever the role of its owner.
function whereScoped(scope: string | undefined): SQL {
  return scope === undefined ? sql`false` : sql`instr(k.scopes, ${JSON.stringify(scope)}) > 0`;
}

function whereCovered(actor: Principal, role: SQL): SQL {
  return whereNoneMissing(
    actor,
    sql`roles AS touched JOIN json_each(touched.permissions) AS wanted ON touched.name = ${role}`,
  );
}

// True while the actor holds every permission that is a `wanted.value` of the rows.
function whereNoneMissing(actor: Principal, rows: SQL): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM ${rows} WHERE NOT (${whereHeld(actor, sql`'"' || wanted.value || '"'`)}))`;
}
