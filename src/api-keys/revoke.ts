import type { Context } from "../context.ts";
import { type ApiKeyTarget, changeApiKey } from "./change.ts";

/**
 * Revokes a key permanently, including a secret that a concurrent rotation gives it. Revoking a revoked key changes nothing.
 * Throws `forbidden`, `api_key_not_found`, `privilege_escalation`, `version_conflict`.
 */
export async function revokeApiKey(ctx: Context, target: ApiKeyTarget): Promise<void> {
  await changeApiKey(ctx, target, (key) => {
    if (key.revokedAt !== null) return undefined;
    return { action: "api_key.revoked", set: { revokedAt: ctx.now() } };
  });
}
