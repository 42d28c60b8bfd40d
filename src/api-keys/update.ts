import type { Context } from "../context.ts";
import type { Fault } from "../errors.ts";
import { toTimestampOrNull } from "../lib/time.ts";
import { toPermissionSet } from "../roles/permissions/known.ts";
import {
  type ApiKeyPlan,
  type ApiKeyTarget,
  changeApiKey,
  planApiKeyChange,
  requireLive,
} from "./change.ts";
import { findExpiryFaults, parseExpiry } from "./expiry.ts";
import type { ApiKeyRow, ManagedApiKey } from "./repository.ts";
import type { UpdateApiKey } from "./schema.ts";

/**
 * Changes the name, the scopes or the expiry of a key that is not revoked. Caller and owner must both hold new scopes, and who
 * extends the expiry must hold all scopes of the key.
 * Throws `forbidden`, `api_key_not_found`, `privilege_escalation`, `api_key_revoked`, `api_key_limit`, `validation_failed`,
 * `version_conflict`.
 */
export async function updateApiKey(
  ctx: Context,
  target: ApiKeyTarget,
  input: UpdateApiKey,
): Promise<ApiKeyRow> {
  return changeApiKey(ctx, target, createPlanner(ctx, input), input);
}

/**
 * Throws what `updateApiKey` would throw of the caller's authority, and `validation_failed` with all that a schema cannot find
 * wrong.
 */
export async function checkApiKeyUpdate(
  ctx: Context,
  id: string,
  input: UpdateApiKey,
): Promise<void> {
  await planApiKeyChange(ctx, { id, ifMatch: undefined }, createPlanner(ctx, input), input);
}

function createPlanner(ctx: Context, input: UpdateApiKey) {
  return (key: ManagedApiKey, unknownScopes: Fault[]) => {
    const after = applyInput(key, input);
    const isNewExpiry = after.expiresAt !== key.expiresAt;
    const expiryFaults = isNewExpiry ? findExpiryFaults(after.expiresAt, ctx.now()) : [];
    const faults = [...unknownScopes, ...expiryFaults];
    if (faults.length === 0) requireLive(key);
    const change = planUpdate(key, after, ctx.now());
    return change && { ...change, faults };
  };
}

type Editable = Pick<ApiKeyRow, "name" | "scopes" | "expiresAt">;

function applyInput(key: Editable, { name, scopes, expires_at }: UpdateApiKey): Editable {
  return {
    name: name ?? key.name,
    scopes: scopes ? toPermissionSet(scopes) : key.scopes,
    expiresAt: expires_at === undefined ? key.expiresAt : parseExpiry(expires_at),
  };
}

function planUpdate(key: Editable, after: Editable, now: number): ApiKeyPlan | undefined {
  const { name, scopes, expiresAt } = after;
  const [from, to] = [key.scopes.join(" "), scopes.join(" ")];
  const isRenamed = name !== key.name;
  const isRescoped = to !== from;
  const isNewExpiry = expiresAt !== key.expiresAt;
  if (!isRenamed && !isRescoped && !isNewExpiry) return undefined;
  const isExtended = isNewExpiry && isLater(expiresAt, key.expiresAt);
  return {
    action: "api_key.updated",
    set: {
      ...(isRenamed && { name }),
      ...(isRescoped && { scopes }),
      ...(isNewExpiry && { expiresAt }),
    },
    isGrant: isExtended,
    isRevival: isExtended && key.expiresAt !== null && key.expiresAt <= now,
    changes: {
      ...(isRescoped && { scopes: { from, to } }),
      ...(isNewExpiry && {
        expires_at: { from: toTimestampOrNull(key.expiresAt), to: toTimestampOrNull(expiresAt) },
      }),
    },
    // Names may be personal, so the event records that the name changed but not its values.
    redacted: isRenamed ? ["name"] : [],
  };
}

function isLater(expiresAt: number | null, than: number | null): boolean {
  return than !== null && (expiresAt === null || expiresAt > than);
}
