import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type ChangeTarget, changeUser } from "./change.ts";

/** Deletes a user softly: they can no longer log in, their sessions and keys end, and their names are free. */
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
