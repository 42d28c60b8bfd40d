import type { Context } from "../context.ts";
import { changeApiKey } from "./change.ts";

/**
 * Revokes a key permanently, including a secret that a concurrent rotation gives it. Revoking a revoked key changes nothing.
 * Throws `forbidden`, `api_key_not_found`, `privilege_escalation`.
 */
export async function revokeApiKey(ctx: Context, id: string): Promise<void> {
  await changeApiKey(ctx, id, (key) => {
    if (key.revokedAt !== null) return undefined;
    return { action: "api_key.revoked", set: { revokedAt: ctx.now() } };
  });
}
