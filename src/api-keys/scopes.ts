import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized, whereUserHolds } from "../access/conditions.ts";
import { isSelfScope, SELF_SCOPES } from "../access/permissions.ts";
import type { Acting } from "../access/read.ts";
import { requireCovers } from "../access/require.ts";
import { isSelf } from "../access/self.ts";
import { wherePermissionsExist } from "../roles/permissions/repository.ts";

/** The user for whom a key acts, and the permissions of their role. */
interface KeyOwner {
  id: string;
  permissions: readonly string[];
}

/** Throws `privilege_escalation` unless the caller holds every scope. */
export function requireHolds(acting: Acting, ownerId: string, scopes: readonly string[]): void {
  requireCovers(acting.actor, toNeeds(acting, ownerId, scopes));
}

/** Throws `privilege_escalation` unless the caller and the owner each hold every scope. */
export function requireScopes(acting: Acting, owner: KeyOwner, scopes: readonly string[]): void {
  requireHolds(acting, owner.id, scopes);
  requireCovers(owner, withoutSelfScopes(scopes));
}

/** True while the caller may manage the user's keys and holds every scope: the SQL counterpart of `requireHolds`. */
export function whereHolds(acting: Acting, ownerId: string, scopes: readonly string[]): SQL {
  const role = sql`(SELECT role FROM users WHERE id = ${ownerId})`;
  const needs = toNeeds(acting, ownerId, scopes);
  return whereAuthorized(acting, { on: { userId: ownerId, role }, needs });
}

/**
 * True while the caller may manage the user's keys, both hold every scope, and every scope exists: the SQL counterpart of
 * `requireScopes`.
 */
export function whereMayGrant(acting: Acting, ownerId: string, scopes: readonly string[]): SQL {
  return sql`${whereHolds(acting, ownerId, scopes)} AND ${whereUserHolds(ownerId, withoutSelfScopes(scopes))}
    AND ${wherePermissionsExist(scopes)}`;
}

// Everyone may give me:read and me:write to their own keys. In another user's key, they give the caller what a permission would.
function toNeeds(acting: Acting, ownerId: string, scopes: readonly string[]): string[] {
  if (isSelf(acting, ownerId)) return withoutSelfScopes(scopes);
  return scopes.map((scope) => (isSelfScope(scope) ? SELF_SCOPES[scope] : scope));
}

function withoutSelfScopes(scopes: readonly string[]): string[] {
  return scopes.filter((scope) => !isSelfScope(scope));
}
