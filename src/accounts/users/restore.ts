import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type ChangeTarget, changeUser } from "./change.ts";
import type { UserRow } from "./repository.ts";

/**
 * Restores a user who was deleted within the retention period. A user who is not deleted stays unchanged. Throws `user_not_found`,
 * and `email_taken` or `username_taken` if another user has taken the name in the meantime.
 */
export async function restoreUser(ctx: Context, target: ChangeTarget): Promise<UserRow> {
  return changeUser(ctx, target, (_, user) => {
    if (user.deletedAt === null) return undefined;
    if (user.deletedAt <= ctx.now() - ctx.config.deletedRetentionMs) {
      throw new AppError("user_not_found");
    }
    return { set: { deletedAt: null }, events: [{ action: "user.restored" }] };
  });
}
