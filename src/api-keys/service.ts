import { sql } from "drizzle-orm";
import {
  type Authorization,
  authorize,
  findPermissionsOfUser,
  findStanding,
  userCovers,
  whereAuthorized,
} from "../access/conditions.ts";
import type { Permission } from "../access/permissions.ts";
import type { Principal, UserPrincipal } from "../access/principal.ts";
import { requireCovers, requirePermissions, requireStanding } from "../access/require.ts";
import { type AuditAction, type Changes, createAuditEvent } from "../audit/events.ts";
import { ifChanged, insertAuditEvent } from "../audit/repository.ts";
import type { Context } from "../context.ts";
import { AppError, invalidField } from "../errors.ts";
import { mintApiKey } from "../lib/api-key.ts";
import { newId, parseId } from "../lib/ids.ts";
import { type Page, readPage } from "../paging.ts";
import { publishKeysEnded } from "./principal.ts";
import {
  type ApiKeyRow,
  findApiKey,
  insertApiKey,
  listApiKeys,
  updateApiKey,
} from "./repository.ts";
import type { CreateApiKey, ListApiKeysQuery, UpdateApiKey } from "./schema.ts";

/** Live keys a user may have. */
const LIMIT = 100;

/** A key may be rotated again and again while it is being revoked. */
const MAX_ROUNDS = 10;

type FoundApiKey = Awaited<ReturnType<typeof findApiKey>>[number];

/** A key with its text, which is told this once. */
export interface IssuedApiKey {
  row: ApiKeyRow;
  key: string;
}

/**
 * Makes a key for oneself, or with api_keys:write for another who holds no more than oneself. Its scopes are among what both hold.
 * Throws `forbidden`, `privilege_escalation`, `user_not_found`, `api_key_limit`, `validation_failed`.
 */
export async function createApiKey(
  ctx: Context,
  principal: UserPrincipal,
  input: CreateApiKey,
): Promise<IssuedApiKey> {
  const now = ctx.now();
  const userId = input.user_id ?? principal.userId;
  const isOwn = userId === principal.userId;
  if (!isOwn) requirePermissions(principal, ["api_keys:write"]);
  const owner = isOwn ? principal : (await findPermissionsOfUser(ctx.db, userId))[0];
  if (!owner) throw new AppError("user_not_found");
  requireCovers(principal, [...owner.permissions, ...input.scopes]);
  requireCovers(owner, input.scopes);
  const expiresAt = input.expires_at ? Date.parse(input.expires_at) : null;
  if (expiresAt !== null && expiresAt <= now) {
    throw invalidField("expires_at", "not_in_future", "Must be in the future.");
  }
  const { text, prefix, secretHash } = await mintApiKey();
  const { name, scopes } = input;
  const row = { id: newId(), userId, name, prefix, secretHash, scopes, createdAt: now, expiresAt };
  const may = authorizeFor(principal, userId, scopes, now);
  const event = await createAuditEvent(ctx, {
    action: "api_key.created",
    targetType: "api_key",
    targetId: row.id,
    changes: {
      user_id: { from: null, to: userId },
      prefix: { from: null, to: prefix },
      scopes: { from: null, to: scopes.join(" ") },
    },
  });
  const [[created], , [standing]] = await ctx.db.batch([
    insertApiKey(ctx.db, row, LIMIT, whereAuthorized(may)),
    insertAuditEvent(ctx.db, event, ifChanged),
    findStanding(ctx.db, may),
  ]);
  if (created) return { row: created, key: text };
  requireStanding(standing);
  throw new AppError("api_key_limit");
}

/** Keys of oneself, or with api_keys:read of another or of all. */
export async function getApiKeyPage(
  ctx: Context,
  principal: Principal,
  query: ListApiKeysQuery,
): Promise<Page<ApiKeyRow>> {
  const isAll = query.user_id === "all";
  const userId = query.user_id === "me" ? principal.userId : parseId(query.user_id);
  const isOwn = principal.type === "user" && userId === principal.userId;
  if (!isOwn) requirePermissions(principal, ["api_keys:read"]);
  return readPage({
    limit: query.limit,
    cursor: query.cursor,
    scope: `api keys of ${isAll ? "all" : userId}`,
    keys: ctx.config.macKeys,
    placeOf: ({ id }) => [id],
    read: (after, limit) =>
      listApiKeys(ctx.db, { userId: isAll ? undefined : userId, before: after?.[0] }, limit),
  });
}

/** One's own key, or with api_keys:read anyone's. Throws `forbidden` before it says whether there is such a key. */
export async function getApiKey(
  ctx: Context,
  principal: Principal,
  id: string,
): Promise<ApiKeyRow> {
  return requireApiKey(ctx, principal, id, "api_keys:read");
}

/** Renames or re-scopes a live key. New scopes are among what both the principal and the owner hold. */
export async function updateApiKeyDetails(
  ctx: Context,
  principal: UserPrincipal,
  id: string,
  input: UpdateApiKey,
): Promise<ApiKeyRow> {
  const key = await requireManageableKey(ctx, principal, id);
  const { name, scopes } = input;
  requireCovers(principal, scopes ?? []);
  requireCovers({ permissions: key.ownerPermissions }, scopes ?? []);
  const set: KeyChange["set"] = {};
  const changes: Record<string, Changes[string]> = {};
  if (name !== undefined && name !== key.name) {
    set.name = name;
  }
  if (scopes && scopes.join(" ") !== key.scopes.join(" ")) {
    set.scopes = scopes;
    changes.scopes = { from: key.scopes.join(" "), to: scopes.join(" ") };
  }
  if (Object.keys(set).length === 0) return key;
  // People name keys after themselves and their things: that it has another name is recorded, but not which.
  const unsaid = set.name === undefined ? [] : ["name"];
  const change = { action: "api_key.updated", set, changes, unsaid } as const;
  const row = await changeKey(ctx, principal, key, change);
  if (!row) throw new AppError("edit_conflict");
  return row;
}

/** Gives a live key a new secret; the old one stops. */
export async function rotateApiKey(
  ctx: Context,
  principal: UserPrincipal,
  id: string,
): Promise<IssuedApiKey> {
  const key = await requireManageableKey(ctx, principal, id);
  const { text, prefix, secretHash } = await mintApiKey();
  const row = await changeKey(ctx, principal, key, {
    action: "api_key.rotated",
    set: { prefix, secretHash },
    changes: { prefix: { from: key.prefix, to: prefix } },
  });
  if (!row) throw new AppError("edit_conflict");
  publishKeysEnded(ctx, [key]);
  return { row, key: text };
}

/** Revokes a key for good, with the secret that a rotation gives it meanwhile. Revoking it twice is no error. */
export async function revokeApiKey(
  ctx: Context,
  principal: UserPrincipal,
  id: string,
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const key = await requireApiKey(ctx, principal, id, "api_keys:write");
    if (key.revokedAt !== null) return;
    const revoked = await changeKey(ctx, principal, key, {
      action: "api_key.revoked",
      set: { revokedAt: ctx.now() },
      changes: {},
    });
    if (!revoked) continue;
    publishKeysEnded(ctx, [key]);
    return;
  }
  throw new AppError("edit_conflict");
}

async function requireManageableKey(ctx: Context, principal: UserPrincipal, id: string) {
  const key = await requireApiKey(ctx, principal, id, "api_keys:write");
  if (key.revokedAt !== null) throw new AppError("api_key_revoked");
  return key;
}

// Whoever lacks the permission is told the same of another's key as of none at all.
async function requireApiKey(
  ctx: Context,
  principal: Principal,
  id: string,
  permission: Permission,
): Promise<FoundApiKey> {
  const [key] = await findApiKey(ctx.db, id);
  if (principal.type === "user" && key?.userId === principal.userId) return key;
  requirePermissions(principal, [permission]);
  if (!key) throw new AppError("api_key_not_found");
  if (permission === "api_keys:write") requireCovers(principal, key.ownerPermissions);
  return key;
}

interface KeyChange {
  action: AuditAction;
  set: Parameters<typeof updateApiKey>[2];
  changes: Changes;
  /** What changed that the trail does not keep. */
  unsaid?: readonly string[];
}

/** Changes a key as it was seen; undefined when it was rotated or revoked since. */
async function changeKey(
  ctx: Context,
  principal: UserPrincipal,
  key: FoundApiKey,
  { action, set, changes, unsaid = [] }: KeyChange,
): Promise<ApiKeyRow | undefined> {
  const may = authorizeFor(principal, key.userId, set.scopes ?? [], ctx.now());
  const target = { targetType: "api_key", targetId: key.id } as const;
  const event = await createAuditEvent(ctx, { action, ...target, changes, unsaid });
  const [[changed], , [standing]] = await ctx.db.batch([
    updateApiKey(ctx.db, key, set, whereAuthorized(may)),
    insertAuditEvent(ctx.db, event, ifChanged),
    findStanding(ctx.db, may),
  ]);
  if (!changed) requireStanding(standing);
  return changed;
}

/** For another's key api_keys:write is needed, and all that its owner holds; its scopes are among what both hold. */
function authorizeFor(
  principal: UserPrincipal,
  userId: string,
  scopes: readonly string[],
  now: number,
): Authorization {
  const isOwn = userId === principal.userId;
  const may = authorize(principal, {
    permissions: isOwn ? scopes : ["api_keys:write", ...scopes],
    roles: isOwn ? [] : [sql`(SELECT role FROM users WHERE id = ${userId})`],
    now,
  });
  return { ...may, covers: sql`(${may.covers} AND ${userCovers(userId, scopes)})` };
}
