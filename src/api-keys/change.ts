import { sql } from "drizzle-orm";
import { type Acting, read } from "../access/read.ts";
import { requireManageable, requireOwner } from "../access/require.ts";
import { requireStepUp } from "../access/step-up.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { type AuditAction, type Changes, createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { AppError, type Fault, requireNoFaults } from "../errors.ts";
import { requireMatch, type VersionTest } from "../http/etag.ts";
import { type KeptAnswer, keepNothing, requireUnanswered } from "../idempotency/answers.ts";
import { sortPermissions } from "../roles/permissions/known.ts";
import { findCustomPermissions } from "../roles/permissions/repository.ts";
import {
  type ApiKeyChange,
  type ApiKeyRow,
  findCrowdedOwner,
  findManagedApiKey,
  type ManagedApiKey,
  updateApiKeyRow,
  whereBelowLimit,
} from "./repository.ts";
import { requireHolds, requireScopes, whereHolds, whereMayGrant } from "./scopes.ts";

export interface ApiKeyTarget {
  id: string;
  ifMatch: VersionTest;
}

/** A change worked out from the key as it was read. */
export interface ApiKeyPlan {
  action: AuditAction;
  set: ApiKeyChange;
  /** What is wrong with the request, compared with the key as it was read. */
  faults?: readonly Fault[];
  /** Whether the change hands out the key's scopes as creating the key did: a new secret, or a later expiry. */
  isGrant?: boolean;
  /** Whether the change makes an expired key live again. */
  isRevival?: boolean;
  /** Keeps the response, which the changed key will give. */
  keep?: (row: ApiKeyRow) => Promise<KeptAnswer>;
  changes?: Changes;
  /** Changed fields whose values are not recorded. */
  redacted?: readonly string[];
}

/** What a change may set, as sent. */
interface ApiKeyInput {
  scopes?: readonly string[] | undefined;
  expires_at?: string | null | undefined;
}

type MakePlan = (key: ManagedApiKey, unknownScopes: Fault[]) => ApiKeyPlan | undefined;

/**
 * Changes a key. `plan` gets the key as it was read and returns what to do, or undefined for nothing. Who sets scopes must
 * hold them, and so must the owner. Who makes a key usable for themselves or for longer must hold all its scopes, those included
 * that the owner's role does not currently grant. Callers without the operation's permission get `forbidden` for every key
 * but their own, whether or not it exists.
 * Throws `forbidden`, `api_key_not_found`, `privilege_escalation`, `validation_failed`, `version_conflict`, `api_key_limit`.
 */
export async function changeApiKey(
  ctx: Context,
  target: ApiKeyTarget,
  plan: MakePlan,
  input: ApiKeyInput = {},
): Promise<ApiKeyRow> {
  return retryOnConflict<ApiKeyRow>(async () => {
    const { acting, key, change, crowded } = await planApiKeyChange(ctx, target, plan, input);
    if (!change) return key;
    if (change.isRevival && crowded.length > 0) throw new AppError("api_key_limit");
    return applyChange(acting, key, change);
  });
}

/**
 * Reads the key and plans its change, without changing anything. Throws `forbidden`, `api_key_not_found`, `version_conflict`,
 * `privilege_escalation`, `insufficient_user_authentication` if the key will be worth more, and then `validation_failed` with all that is
 * wrong with the request.
 */
export async function planApiKeyChange(
  ctx: Context,
  { id, ifMatch }: ApiKeyTarget,
  plan: MakePlan,
  { scopes = [], expires_at }: ApiKeyInput,
) {
  const { acting, keys, custom, crowded } = await read(ctx, {
    keys: findManagedApiKey(ctx.db, id),
    crowded: expires_at !== undefined && findCrowdedOwner(ctx.db, id, ctx.now()),
    custom: findCustomPermissions(ctx.db, scopes),
  });
  const [key] = keys;
  requireOwner(acting, key?.userId);
  if (!key) throw new AppError("api_key_not_found");
  const owner = { id: key.userId, permissions: key.ownerPermissions };
  requireManageable(acting, owner);
  if (ctx.idempotency) {
    // Repeating a rotation gives out the new secret again, and needs what the rotation needed.
    requireHolds(acting, owner.id, key.scopes);
    await requireUnanswered(acting);
  }
  requireMatch(ifMatch, key);
  const { known, faults } = sortPermissions("scopes", scopes, custom);
  const change = plan(key, faults);
  const newScopes = change?.set.scopes?.filter((scope) => known.includes(scope));
  if (newScopes) requireScopes(acting, owner, newScopes);
  if (change?.isGrant) requireHolds(acting, owner.id, newScopes ?? key.scopes);
  const hasMoreScopes = newScopes?.some((scope) => !key.scopes.includes(scope));
  if (hasMoreScopes || change?.isGrant) requireStepUp(acting);
  requireNoFaults(change?.faults ?? []);
  return { acting, key, change, crowded };
}

/** Throws `api_key_revoked` if the key is revoked. */
export function requireLive(key: ManagedApiKey): void {
  if (key.revokedAt !== null) throw new AppError("api_key_revoked");
}

/** Undefined if the key is no longer as it was read, or the caller may no longer make the change. */
async function applyChange(
  acting: Acting,
  key: ManagedApiKey,
  { action, set, isGrant, isRevival, keep = keepNothing, changes = {}, redacted = [] }: ApiKeyPlan,
): Promise<ApiKeyRow | undefined> {
  const { id, userId } = key;
  const answer = await keep({ ...key, ...set, version: key.version + 1 });
  const whereAllowed = set.scopes
    ? whereMayGrant(acting, userId, set.scopes)
    : whereHolds(acting, userId, isGrant ? key.scopes : []);
  const condition = isRevival
    ? sql`${whereAllowed} AND ${whereBelowLimit(userId, acting.now())}`
    : whereAllowed;
  const { changed } = await commit(acting, {
    change: updateApiKeyRow(acting.db, key, set, condition),
    event: await createAuditEvent(acting, {
      action,
      targetType: "api_key",
      targetId: id,
      changes,
      redacted,
    }),
    effects: answer,
  });
  return changed[0];
}
