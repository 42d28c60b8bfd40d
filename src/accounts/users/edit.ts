import type { Permission } from "../../access/permissions.ts";
import { isSelf, type Principal } from "../../access/principal.ts";
import type { Changes } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { type ChangePlan, type ChangeTarget, changeUser, diff } from "./change.ts";
import { blankToNull } from "./create.ts";
import type { ManagedUser, UserChange, UserRow } from "./repository.ts";
import type { UpdateUser } from "./schema.ts";

const PERSONAL = {
  username: "username",
  email: "email",
  firstName: "first_name",
  lastName: "last_name",
} as const;

/**
 * Replaces or changes what a body names of a user; what is absent stays and what is as before is no change.
 * On oneself: username and names; the email has its own flow; the role needs roles:assign and is_active users:update.
 */
export async function editUser(
  ctx: Context,
  principal: Principal,
  target: ChangeTarget,
  input: UpdateUser,
): Promise<UserRow> {
  return changeUser(ctx, principal, target, (user) => {
    if (user.deletedAt !== null) throw new AppError("user_not_found");
    return planEdit(principal, user, input);
  });
}

/** Gives a user a role. Their sessions end, so that no token speaks of the old one. */
export async function assignRole(
  ctx: Context,
  principal: Principal,
  target: ChangeTarget,
  role: string,
): Promise<UserRow> {
  return editUser(ctx, principal, target, { role });
}

/** Deletes a user softly: they can no longer log in, their sessions and keys end, and their names are free. */
export async function deleteUser(
  ctx: Context,
  principal: Principal,
  target: ChangeTarget,
): Promise<void> {
  await changeUser(ctx, principal, target, (user) => {
    if (user.deletedAt !== null) throw new AppError("user_not_found");
    return {
      set: { deletedAt: ctx.now() },
      needs: isSelf(principal, user.id) ? [] : ["users:delete"],
      events: [{ action: "user.deleted" }],
      endsSessions: "user_deleted",
      endsKeys: true,
      voidsLinks: true,
    };
  });
}

/** Brings back a user who was deleted within the retention. One that is not deleted stays as it is. Throws `email_taken`, `username_taken` when a name was given away since. */
export async function restoreUser(
  ctx: Context,
  principal: Principal,
  target: ChangeTarget,
): Promise<UserRow> {
  return changeUser(ctx, principal, target, (user) => {
    if (user.deletedAt === null) return undefined;
    if (user.deletedAt <= ctx.now() - ctx.config.deletedRetentionMs) {
      throw new AppError("user_not_found");
    }
    return {
      set: { deletedAt: null },
      needs: ["users:delete"],
      events: [{ action: "user.restored" }],
    };
  });
}

function planEdit(
  principal: Principal,
  user: ManagedUser,
  input: UpdateUser,
): ChangePlan | undefined {
  const isOwn = isSelf(principal, user.id);
  const set = toChange(user, input);
  const personal = diff(user, set, PERSONAL);
  const active = diff(user, set, { isActive: "is_active" });
  const role = diff(user, set, { role: "role" });
  if (!personal && !active && !role) return undefined;
  if (personal?.email && (isOwn || principal.type === "api_key")) {
    throw new AppError("forbidden", { detail: "The email cannot be changed this way." });
  }
  const updated = { action: "user.updated", changes: active, personal } as const;
  const needs: Permission[] = [];
  if (active || (personal && !isOwn)) needs.push("users:update");
  if (role) needs.push("roles:assign");
  return {
    set,
    needs,
    events: [
      ...(personal || active ? [updated] : []),
      ...(role ? [{ action: "user.role_changed", changes: role } as const] : []),
    ],
    ...(set.emailVerified === false && { confirms: set.email }),
    voidsLinks: set.emailVerified === false || set.isActive === false,
    endsSessions: whySessionsEnd(active, role),
  };
}

function whySessionsEnd(active: Changes | undefined, role: Changes | undefined) {
  if (active?.is_active?.to === false) return "user_deactivated";
  return role && "role_changed";
}

function toChange(user: ManagedUser, input: UpdateUser): UserChange {
  const { username, email, first_name, last_name, role, is_active } = input;
  const isNewEmail = email !== undefined && toComparisonKey(email) !== toComparisonKey(user.email);
  return {
    ...(username !== undefined && { username, usernameKey: toComparisonKey(username) }),
    ...(email !== undefined && { email, emailKey: toComparisonKey(email) }),
    ...(isNewEmail && { emailVerified: false }),
    ...(first_name !== undefined && { firstName: blankToNull(first_name) }),
    ...(last_name !== undefined && { lastName: blankToNull(last_name) }),
    ...(role !== undefined && { role }),
    ...(is_active !== undefined && { isActive: is_active }),
  };
}
