import type { Acting } from "../access/read.ts";
import type { Context } from "../context.ts";
import { type ApiKeyPlan, changeApiKey, requireLive, requireScopes } from "./change.ts";
import type { ApiKeyRow, ManagedApiKey } from "./repository.ts";
import type { UpdateApiKey } from "./schema.ts";

/**
 * Changes the name or the scopes of a live key. Caller and owner must both hold the scopes.
 * Throws `forbidden`, `api_key_not_found`, `privilege_escalation`, `api_key_revoked`.
 */
export async function updateApiKey(
  ctx: Context,
  id: string,
  input: UpdateApiKey,
): Promise<ApiKeyRow> {
  return changeApiKey(ctx, id, (acting, key) => {
    requireLive(key);
    return planUpdate(acting, key, input);
  });
}

function planUpdate(
  acting: Acting,
  key: ManagedApiKey,
  { name = key.name, scopes }: UpdateApiKey,
): ApiKeyPlan | undefined {
  requireScopes(acting, { permissions: key.ownerPermissions }, scopes ?? []);
  const [from, to] = [key.scopes.join(" "), (scopes ?? key.scopes).join(" ")];
  const isRenamed = name !== key.name;
  const isRescoped = to !== from;
  if (!isRenamed && !isRescoped) return undefined;
  return {
    action: "api_key.updated",
    set: { ...(isRenamed && { name }), ...(isRescoped && { scopes: scopes ?? [] }) },
    changes: isRescoped ? { scopes: { from, to } } : {},
    // Names may be personal, so the event records that the name changed but not its values.
    redacted: isRenamed ? ["name"] : [],
  };
}
