import { type Acting, read } from "../access/read.ts";
import { requireManageable, requireOwner } from "../access/require.ts";
import type { UserRef } from "../access/target.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { AppError, invalidField } from "../errors.ts";
import { mintApiKey } from "../lib/api-key.ts";
import { newId } from "../lib/ids.ts";
import { requireScopes, whereMayGrant } from "./change.ts";
import { type ApiKeyRow, findKeyOwner, insertApiKey, type NewApiKeyRow } from "./repository.ts";
import type { CreateApiKey } from "./schema.ts";

/** Live keys per user. */
const MAX_LIVE_KEYS = 100;

/** A key with its text, which is shown only once. */
export interface IssuedApiKey {
  row: ApiKeyRow;
  key: string;
}

/**
 * Creates a key for the caller, or for the user in `user_id`. Another user's key needs api_keys:write and everything that
 * user may do. Caller and owner must both hold the scopes.
 * Throws `forbidden`, `user_not_found`, `privilege_escalation`, `validation_failed`, `api_key_limit`.
 */
export async function createApiKey(
  ctx: Context,
  caller: UserRef,
  input: CreateApiKey,
): Promise<IssuedApiKey> {
  const ownerRef = input.user_id ?? caller;
  return retryOnConflict(async () => {
    const { acting, owners } = await read(ctx, {
      owners: findKeyOwner(ctx.db, ownerRef, ctx.now()),
    });
    requireOwner(acting, input.user_id ?? acting.actor.userId);
    const [owner] = owners;
    if (!owner) throw new AppError("user_not_found");
    requireManageable(acting, owner);
    requireScopes(acting, owner, input.scopes);
    const expiresAt = parseExpiry(input, ctx.now());
    if (owner.liveKeys >= MAX_LIVE_KEYS) throw new AppError("api_key_limit");
    return issue(acting, { ...input, userId: owner.id, expiresAt });
  });
}

function parseExpiry({ expires_at }: CreateApiKey, now: number): number | null {
  if (!expires_at) return null;
  const expiresAt = Date.parse(expires_at);
  if (expiresAt > now) return expiresAt;
  throw invalidField("expires_at", "not_in_future", "Must be in the future.");
}

/** Undefined if the caller may no longer create this key, or the owner has reached the limit. */
async function issue(
  acting: Acting,
  {
    userId,
    name,
    scopes,
    expiresAt,
  }: Pick<NewApiKeyRow, "userId" | "name" | "scopes" | "expiresAt">,
): Promise<IssuedApiKey | undefined> {
  const { text, prefix, secretHash } = await mintApiKey();
  const createdAt = acting.now();
  const row = { id: newId(), userId, name, prefix, secretHash, scopes, createdAt, expiresAt };
  const { changed } = await commit(acting, {
    change: insertApiKey(acting.db, row, MAX_LIVE_KEYS, whereMayGrant(acting, userId, scopes)),
    event: await createAuditEvent(acting, {
      action: "api_key.created",
      targetType: "api_key",
      targetId: row.id,
      changes: {
        user_id: { from: null, to: userId },
        prefix: { from: null, to: prefix },
        scopes: { from: null, to: scopes.join(" ") },
      },
    }),
  });
  const [created] = changed;
  return created && { row: created, key: text };
}
