import { isCallersOwn, read } from "../../access/read.ts";
import type { UserRef } from "../../access/target.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { findUser, type UserRow } from "./repository.ts";

/**
 * A user by id. Deleted users are found only if `deleted` is set. Throws `forbidden`, `user_not_found`.
 */
export async function getUser(
  ctx: Context,
  { user: userRef, deleted }: { user: UserRef; deleted: boolean },
): Promise<UserRow> {
  const isOwn = isCallersOwn(ctx, userRef);
  const { account, users } = await read(ctx, {
    users: !isOwn && findUser(ctx.db, userRef),
  });
  const user = isOwn ? account : users[0];
  if (!user || (user.deletedAt !== null && !deleted)) throw new AppError("user_not_found");
  return user;
}
