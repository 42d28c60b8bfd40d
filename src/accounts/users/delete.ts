import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type ChangeTarget, changeUser } from "./change.ts";

/**
 * Soft-deletes a user: they can no longer log in, their sessions and API keys end, and their username and email become
 * available.
 */
export async function deleteUser(ctx: Context, target: ChangeTarget): Promise<void> {
  await changeUser(ctx, target, (_, user) => {
    if (user.deletedAt !== null) throw new AppError("user_not_found");
    return {
      set: { deletedAt: ctx.now() },
      events: [{ action: "user.deleted" }],
      endsSessions: "user_deleted",
      endsKeys: true,
      voidsLinks: true,
    };
  });
}
