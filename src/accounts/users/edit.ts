import type { Permission } from "../../access/permissions.ts";
import type { Principal } from "../../access/principal.ts";
import type { Acting } from "../../access/read.ts";
import { isSelf } from "../../access/self.ts";
import type { UserRef } from "../../access/target.ts";
import type { Changes } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { findReadOnlyFaults } from "../../http/fields.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { requireMayAssignRoles } from "./by-key.ts";
import { type ChangePlan, type ChangeTarget, changeUser, diffUser, planChange } from "./change.ts";
import { blankToNull } from "./create.ts";
import type { ManagedUser, UserChange, UserRow } from "./repository.ts";
import { type EditUser, presentUser, READ_ONLY_FIELDS } from "./schema.ts";

const PERSONAL = {
  username: "username",
  email: "email",
  firstName: "first_name",
  lastName: "last_name",
} as const;

/**
 * Changes the fields of a user that the input contains. Other fields keep their values. Users can change their own username and
 * names. Their own email has a separate flow, another person's needs credentials:manage, `role` needs roles:assign and
 * `is_active` needs users:update. A changed role ends the user's sessions, so that no access token still has the old role. An
 * API key with me:write changes only its owner's names, and no key changes an email or a role.
 */
export async function editUser(
  ctx: Context,
  target: ChangeTarget,
  input: EditUser,
): Promise<UserRow> {
  return changeUser(ctx, target, createPlanner(input), input.role);
}

/**
 * Throws what `editUser` would throw of the caller's authority, and `validation_failed` with all that a schema cannot find wrong.
 */
export async function checkEdit(ctx: Context, user: UserRef, input: EditUser): Promise<void> {
  await planChange(ctx, { user }, createPlanner(input), input.role);
}

/** Creates the plan of an edit. It throws `user_not_found` for a deleted user, and `forbidden`. */
export function createPlanner(input: EditUser) {
  return (acting: Acting, user: ManagedUser) => {
    if (user.deletedAt !== null) throw new AppError("user_not_found");
    return planEdit(acting, user, input);
  };
}

function planEdit(acting: Acting, user: ManagedUser, input: EditUser): ChangePlan | undefined {
  const { actor } = acting;
  const isOwn = isSelf(acting, user.id);
  const set = toChange(user, input);
  const personal = diffUser(user, set, PERSONAL);
  const active = diffUser(user, set, { isActive: "is_active" });
  const role = diffUser(user, set, { role: "role" });
  const faults = findReadOnlyFaults(input, presentUser(user), READ_ONLY_FIELDS);
  if (personal?.email) requireMayChangeEmail(actor, isOwn);
  if (role) requireMayAssignRoles(acting);
  const updated = { action: "user.updated", changes: active, personal } as const;
  const needs: Permission[] = [];
  if (active) needs.push("users:update");
  if (personal?.email) needs.push("credentials:manage");
  if (role) needs.push("roles:assign");
  return {
    set,
    faults,
    needs,
    needsStepUp:
      personal?.username !== undefined || personal?.email !== undefined || role !== undefined,
    isBeyondSelfScope: set.username !== undefined || active !== undefined || role !== undefined,
    events: [
      ...(personal || active ? [updated] : []),
      ...(role ? [{ action: "user.role_changed", changes: role } as const] : []),
    ],
    ...(set.emailVerified === false && { confirms: set.email }),
    // A link that was sent before must not reach into an account that can do something else now.
    voidsLinks: set.emailVerified === false || set.isActive === false || role !== undefined,
    endsSessions: toRevocationReason(active, role, set),
  };
}

function requireMayChangeEmail(actor: Principal, isOwn: boolean): void {
  if (actor.type === "api_key") {
    throw new AppError("forbidden", {
      detail: "API keys cannot change emails: log in and send an access token.",
    });
  }
  if (isOwn) {
    throw new AppError("forbidden", {
      detail:
        "You cannot change your own email here. Use POST /v1/auth/email/change, which sends a link to the new address.",
    });
  }
}

function toRevocationReason(
  active: Changes | undefined,
  role: Changes | undefined,
  { emailVerified }: UserChange,
) {
  if (active?.is_active?.to === false) return "user_deactivated";
  if (role) return "role_changed";
  // Another address: whoever is logged in may not be the person who reads its mail.
  return emailVerified === false ? "email_changed" : undefined;
}

// Only changed columns: setting a column to the same value would still write it and its indexes.
function toChange(user: ManagedUser, input: EditUser): UserChange {
  const { username, email, role, is_active } = input;
  const firstName = input.first_name === undefined ? undefined : blankToNull(input.first_name);
  const lastName = input.last_name === undefined ? undefined : blankToNull(input.last_name);
  const isNewEmail = email !== undefined && toComparisonKey(email) !== toComparisonKey(user.email);
  return {
    ...(username !== undefined &&
      username !== user.username && { username, usernameKey: toComparisonKey(username) }),
    ...(email !== undefined && email !== user.email && { email, emailKey: toComparisonKey(email) }),
    ...(isNewEmail && { emailVerified: false }),
    ...(isNewEmail && user.emailVerified && { wasVerified: true }),
    ...(firstName !== undefined && firstName !== user.firstName && { firstName }),
    ...(lastName !== undefined && lastName !== user.lastName && { lastName }),
    ...(role !== undefined && role !== user.role && { role }),
    ...(is_active !== undefined && is_active !== user.isActive && { isActive: is_active }),
  };
}
