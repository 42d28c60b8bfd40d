import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { moveKeyLimits } from "../http/rate-limit.ts";
import type { KeepAnswer } from "../idempotency/answers.ts";
import { mintApiKey } from "../lib/api-key.ts";
import { describeError } from "../platform/logger.ts";
import { type ApiKeyTarget, changeApiKey, requireLive } from "./change.ts";
import type { IssuedApiKey } from "./schema.ts";

/**
 * Replaces the secret of a key that is not revoked. Whoever gets it must hold every scope of the key, as for creating it, those
 * included that the owner's role does not currently grant. The old secret stops working immediately. Of concurrent
 * rotations one succeeds and the others get `edit_conflict`, or `version_conflict` where they sent `If-Match`, so that no
 * caller gets a secret that is already void.
 * Throws `forbidden`, `api_key_not_found`, `privilege_escalation`, `version_conflict`, `api_key_revoked`, `edit_conflict`.
 */
export async function rotateApiKey(
  ctx: Context,
  target: ApiKeyTarget,
  keep: KeepAnswer<IssuedApiKey>,
): Promise<IssuedApiKey> {
  const { text, prefix, secretHash } = await mintApiKey();
  let seenHash: string | undefined;
  const row = await changeApiKey(ctx, target, (key) => {
    requireLive(key);
    seenHash ??= key.secretHash;
    if (key.secretHash !== seenHash) throw new AppError("edit_conflict");
    return {
      action: "api_key.rotated",
      set: { prefix, secretHash, secretCreatedAt: ctx.now() },
      isGrant: true,
      keep: (row) => keep({ row, key: text }, row.userId),
      changes: { prefix: { from: key.prefix, to: prefix } },
    };
  });
  const oldHash = seenHash ?? secretHash;
  await moveKeyLimits(ctx, oldHash, secretHash).catch((error: unknown) => {
    ctx.log("warn", "api_key.limits_not_moved", describeError(error));
  });
  return { row, key: text };
}
