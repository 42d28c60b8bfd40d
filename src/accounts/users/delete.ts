import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type ChangeTarget, changeUser, type MakePlan } from "./change.ts";

/**
 * Soft-deletes a user: they can no longer log in, their sessions and API keys end, and their username, email and identities at
 * other providers become available.
 */
export async function deleteUser(ctx: Context, target: ChangeTarget): Promise<void> {
  await changeUser(ctx, target, planDeletion);
}

/** Plans the deletion of a user. Throws `user_not_found` if they are deleted already. */
export const planDeletion: MakePlan = ({ now }, user) => {
  if (user.deletedAt !== null) throw new AppError("user_not_found");
  return {
    set: { deletedAt: now() },
    events: [{ action: "user.deleted" }],
    endsSessions: "user_deleted",
    endsKeys: true,
    unlinksIdentities: true,
    voidsLinks: true,
  };
};
