import { isCallersOwn, read } from "../../access/read.ts";
import { requirePermissions } from "../../access/require.ts";
import type { UserRef } from "../../access/target.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { openPage, type Page, toPage } from "../../paging.ts";
import { findUser, listUsers, type UserRow } from "./repository.ts";
import type { ListUsersQuery } from "./schema.ts";

/**
 * A user by id. Deleted users are found only if `deleted` is set, which needs users:delete. Throws `forbidden`,
 * `user_not_found`.
 */
export async function getUser(
  ctx: Context,
  { user: userRef, deleted }: { user: UserRef; deleted: boolean },
): Promise<UserRow> {
  const isOwn = isCallersOwn(ctx, userRef);
  const { acting, account, users } = await read(ctx, {
    users: !isOwn && findUser(ctx.db, userRef),
  });
  if (deleted) requirePermissions(acting.actor, ["users:delete"]);
  const user = isOwn ? account : users[0];
  if (!user || (user.deletedAt !== null && !deleted)) throw new AppError("user_not_found");
  return user;
}

/** A page of users, the newest first. */
export async function getUserPage(ctx: Context, query: ListUsersQuery): Promise<Page<UserRow>> {
  const deleted = query.deleted ?? false;
  const list = {
    scope: `users deleted=${deleted}`,
    keys: ctx.config.macKeys,
    positionOf: ({ createdAt, id }: UserRow) => [createdAt, id],
  };
  const after = await openPage(list, query);
  const { acting, users } = await read(ctx, {
    users: listUsers(ctx.db, { deleted, after }, query.limit + 1),
  });
  if (deleted) requirePermissions(acting.actor, ["users:delete"]);
  return toPage(list, query, users);
}
