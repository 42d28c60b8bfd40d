import { type Acting, read } from "../access/read.ts";
import { requireManageable, requireOwner } from "../access/require.ts";
import type { UserRef } from "../access/target.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { AppError, requireNoFaults } from "../errors.ts";
import { type KeepAnswer, requireUnanswered } from "../idempotency/answers.ts";
import { mintApiKey } from "../lib/api-key.ts";
import { newId } from "../lib/ids.ts";
import { toTimestamp } from "../lib/time.ts";
import { deliverSoon } from "../outbox/deliver.ts";
import { queueMail } from "../outbox/queue.ts";
import { sortPermissions, toPermissionSet } from "../roles/permissions/known.ts";
import { findCustomPermissions } from "../roles/permissions/repository.ts";
import { findExpiryFaults, parseExpiry } from "./expiry.ts";
import { findKeyOwner, insertApiKey, type NewApiKeyRow, toApiKeyRow } from "./repository.ts";
import type { CreateApiKey, IssuedApiKey } from "./schema.ts";
import { requireScopes, whereMayGrant } from "./scopes.ts";

/**
 * Creates a key for the caller, or for the user in `user_id`. Another user's key needs api_keys:write and everything that
 * user may do. Caller and owner must both hold the scopes. The owner gets an email.
 * Throws `forbidden`, `user_not_found`, `privilege_escalation`, `validation_failed`, `api_key_limit`.
 */
export async function createApiKey(
  ctx: Context,
  { caller, ...input }: CreateApiKey & { caller: UserRef },
  keep: KeepAnswer<IssuedApiKey>,
): Promise<IssuedApiKey> {
  const { name } = input;
  const scopes = toPermissionSet(input.scopes);
  const expiresAt = parseExpiry(input.expires_at);
  return retryOnConflict(async () => {
    const { acting, owner } = await checkNewApiKey(ctx, caller, input);
    if (!owner) throw new AppError("user_not_found");
    if (!owner.isBelowLimit) throw new AppError("api_key_limit");
    return issue(acting, owner, { name, scopes, expiresAt }, keep);
  });
}

/**
 * The caller, who may create this key, and its owner. Throws `forbidden`, `privilege_escalation`, and `validation_failed` with
 * all that a schema cannot find wrong.
 */
export async function checkNewApiKey(
  ctx: Context,
  caller: UserRef,
  { user_id, scopes = [], expires_at }: Partial<CreateApiKey>,
) {
  const { acting, owners, custom } = await read(ctx, {
    owners: findKeyOwner(ctx.db, user_id ?? caller, ctx.now()),
    custom: findCustomPermissions(ctx.db, scopes),
  });
  requireOwner(acting, user_id ?? acting.actor.userId);
  const [owner] = owners;
  const { known, faults } = sortPermissions("scopes", scopes, custom);
  if (owner) {
    requireManageable(acting, owner);
    requireScopes(acting, owner, known);
  }
  await requireUnanswered(acting);
  requireNoFaults([...faults, ...findExpiryFaults(parseExpiry(expires_at), ctx.now())]);
  return { acting, owner };
}

/** Undefined if the caller may no longer create this key, or the owner has reached the limit. */
async function issue(
  acting: Acting,
  owner: { id: string; email: string },
  fields: Pick<NewApiKeyRow, "name" | "scopes" | "expiresAt">,
  keep: KeepAnswer<IssuedApiKey>,
): Promise<IssuedApiKey | undefined> {
  const { text, prefix, secretHash } = await mintApiKey();
  const { scopes, expiresAt } = fields;
  const userId = owner.id;
  const row = { id: newId(), userId, ...fields, prefix, secretHash, createdAt: acting.now() };
  // The id of the email is the key's, so that its text can name the key.
  const notice = { id: row.id, userId, kind: "api_key_created", address: owner.email } as const;
  const answer = await keep({ row: toApiKeyRow(row), key: text }, userId);
  const { changed, mail } = await commit(acting, {
    change: insertApiKey(acting.db, row, whereMayGrant(acting, userId, scopes)),
    event: await createAuditEvent(acting, {
      action: "api_key.created",
      targetType: "api_key",
      targetId: row.id,
      changes: {
        user_id: { from: null, to: userId },
        prefix: { from: null, to: prefix },
        scopes: { from: null, to: scopes.join(" ") },
        ...(expiresAt !== null && { expires_at: { from: null, to: toTimestamp(expiresAt) } }),
      },
    }),
    effects: (recorded) => ({
      mail: queueMail(acting, notice, recorded),
      ...answer(recorded),
    }),
  });
  deliverSoon(acting, mail);
  const [created] = changed;
  return created && { row: created, key: text };
}
