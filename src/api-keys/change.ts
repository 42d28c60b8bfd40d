import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized, whereUserHolds } from "../access/conditions.ts";
import { type Acting, read } from "../access/read.ts";
import { requireCovers, requireManageable, requireOwner } from "../access/require.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { type AuditAction, type Changes, createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import {
  type ApiKeyChange,
  type ApiKeyRow,
  findManagedApiKey,
  type ManagedApiKey,
  updateApiKeyRow,
} from "./repository.ts";

/** A change worked out from the key as it was read. */
export interface ApiKeyPlan {
  action: AuditAction;
  set: ApiKeyChange;
  changes?: Changes;
  /** Changed fields whose values are not recorded. */
  redacted?: readonly string[];
}

/**
 * Changes a key. `plan` gets the key as it was read and returns what to do, or undefined for nothing. Callers without the
 * operation's permission get `forbidden` for every key but their own, whether or not it exists.
 * Throws `forbidden`, `api_key_not_found`, `privilege_escalation`.
 */
export async function changeApiKey(
  ctx: Context,
  id: string,
  plan: (acting: Acting, key: ManagedApiKey) => ApiKeyPlan | undefined,
): Promise<ApiKeyRow> {
  return retryOnConflict<ApiKeyRow>(async () => {
    const { acting, keys } = await read(ctx, { keys: findManagedApiKey(ctx.db, id) });
    const [key] = keys;
    requireOwner(acting, key?.userId);
    if (!key) throw new AppError("api_key_not_found");
    requireManageable(acting, { id: key.userId, permissions: key.ownerPermissions });
    const change = plan(acting, key);
    return change ? applyChange(acting, key, change) : key;
  });
}

/** Throws `api_key_revoked` if the key is revoked. */
export function requireLive(key: ManagedApiKey): void {
  if (key.revokedAt !== null) throw new AppError("api_key_revoked");
}

/** Throws `privilege_escalation` unless the caller and the owner each hold every scope. */
export function requireScopes(
  { actor }: Acting,
  owner: { permissions: readonly string[] },
  scopes: readonly string[],
): void {
  requireCovers(actor, scopes);
  requireCovers(owner, scopes);
}

/** True while the caller may manage the user's keys and both hold every scope: the SQL counterpart of `requireScopes`. */
export function whereMayGrant(acting: Acting, userId: string, scopes: readonly string[]): SQL {
  const role = sql`(SELECT role FROM users WHERE id = ${userId})`;
  const whereAllowed = whereAuthorized(acting, { on: { userId, role }, needs: scopes });
  return sql`${whereAllowed} AND ${whereUserHolds(userId, scopes)}`;
}

/** Undefined if the key is no longer as it was read, or the caller may no longer make the change. */
async function applyChange(
  acting: Acting,
  key: ManagedApiKey,
  { action, set, changes = {}, redacted = [] }: ApiKeyPlan,
): Promise<ApiKeyRow | undefined> {
  const condition = whereMayGrant(acting, key.userId, set.scopes ?? []);
  const { changed } = await commit(acting, {
    change: updateApiKeyRow(acting.db, key, set, condition),
    event: await createAuditEvent(acting, {
      action,
      targetType: "api_key",
      targetId: key.id,
      changes,
      redacted,
    }),
  });
  return changed[0];
}
