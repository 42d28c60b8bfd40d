import type { Permission } from "../../access/permissions.ts";
import { isSelf } from "../../access/principal.ts";
import type { Acting } from "../../access/read.ts";
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
 * Replaces or changes what a body names of a user; what is absent stays, and unchanged values are no change.
 * On oneself: username and names; the email has a flow of its own; the role needs roles:assign and is_active users:update.
 * A changed role ends the user's sessions, so that no token speaks of the old one.
 */
export async function editUser(
  ctx: Context,
  target: ChangeTarget,
  input: UpdateUser,
): Promise<UserRow> {
  const plan = (acting: Acting, user: ManagedUser) => {
    if (user.deletedAt !== null) throw new AppError("user_not_found");
    return planEdit(acting, user, input);
  };
  return changeUser(ctx, target, plan, input.role);
}

function planEdit({ actor }: Acting, user: ManagedUser, input: UpdateUser): ChangePlan | undefined {
  const isOwn = isSelf(actor, user.id);
  const set = toChange(user, input);
  const personal = diff(user, set, PERSONAL);
  const active = diff(user, set, { isActive: "is_active" });
  const role = diff(user, set, { role: "role" });
  if (!personal && !active && !role) return undefined;
  if (personal?.email && (isOwn || actor.type === "api_key")) {
    throw new AppError("forbidden", { detail: "The email cannot be changed this way." });
  }
  const updated = { action: "user.updated", changes: active, personal } as const;
  const needs: Permission[] = [];
  if (active) needs.push("users:update");
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

// Only what changes: a column that is set again is written again, with its indexes.
function toChange(user: ManagedUser, input: UpdateUser): UserChange {
  const { username, email, role, is_active } = input;
  const firstName = input.first_name === undefined ? undefined : blankToNull(input.first_name);
  const lastName = input.last_name === undefined ? undefined : blankToNull(input.last_name);
  const isNewEmail = email !== undefined && toComparisonKey(email) !== toComparisonKey(user.email);
  return {
    ...(username !== undefined &&
      username !== user.username && { username, usernameKey: toComparisonKey(username) }),
    ...(email !== undefined && email !== user.email && { email, emailKey: toComparisonKey(email) }),
    ...(isNewEmail && { emailVerified: false }),
    ...(firstName !== undefined && firstName !== user.firstName && { firstName }),
    ...(lastName !== undefined && lastName !== user.lastName && { lastName }),
    ...(role !== undefined && role !== user.role && { role }),
    ...(is_active !== undefined && is_active !== user.isActive && { isActive: is_active }),
  };
}
