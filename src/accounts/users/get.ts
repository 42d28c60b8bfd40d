import { isCallersOwn, read } from "../../access/read.ts";
import { requirePermissions } from "../../access/require.ts";
import type { UserRef } from "../../access/target.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { findUser, type UserRow } from "./repository.ts";

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
