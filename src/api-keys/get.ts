import { read } from "../access/read.ts";
import { requireOwner } from "../access/require.ts";
import type { UserRef } from "../access/target.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { parseId } from "../lib/ids.ts";
import { invalidCursor, openPage, type Page, toPage } from "../paging.ts";
import { type ApiKeyRow, countApiKeys, findApiKey, listApiKeys } from "./repository.ts";
import type { ListApiKeysQuery } from "./schema.ts";

/**
 * A key by id. Callers without the permission get `forbidden` for every key but their own, whether or not it exists.
 * Throws `forbidden`, `api_key_not_found`.
 */
export async function getApiKey(ctx: Context, id: string): Promise<ApiKeyRow> {
  const { acting, keys } = await read(ctx, { keys: findApiKey(ctx.db, id) });
  const [key] = keys;
  requireOwner(acting, key?.userId);
  if (!key) throw new AppError("api_key_not_found");
  return key;
}

/** A page of keys, the newest first: the caller's, another user's or everyone's. Throws `forbidden`. */
export async function getApiKeyPage(
  ctx: Context,
  caller: UserRef,
  query: ListApiKeysQuery,
): Promise<Page<ApiKeyRow>> {
  const isAll = query.user_id === "all";
  const isRevoked = query.revoked === "all" ? undefined : query.revoked === "true";
  const namedId = parseId(query.user_id);
  // A cursor is bound to the owner, whose id may be known only after the read.
  const list = {
    scope: `${isAll ? "all api keys" : "api keys"} revoked=${query.revoked}`,
    keys: ctx.config.macKeys,
    positionOf: ({ id, userId }: ApiKeyRow) => (isAll ? [id] : [id, userId]),
  };
  const position = await openPage(list, query);
  const filter = { userId: isAll ? undefined : (namedId ?? caller), isRevoked };
  const { acting, keys, totals } = await read(ctx, {
    keys: listApiKeys(ctx.db, filter, {
      before: position?.[0],
      skip: query.skip,
      limit: query.limit + 1,
    }),
    totals: query.skip !== undefined && countApiKeys(ctx.db, filter),
  });
  const ownerId = isAll ? undefined : (namedId ?? acting.actor.userId);
  requireOwner(acting, ownerId);
  if (position && position[1] !== ownerId) throw invalidCursor();
  return toPage(list, query, keys, totals);
}
