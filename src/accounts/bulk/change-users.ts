import type { Permission } from "../../access/permissions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requirePermissions } from "../../access/require.ts";
import { requireStepUp } from "../../access/step-up.ts";
import { commitEach } from "../../audit/commit.ts";
import { withActorDataKey } from "../../audit/events.ts";
import { cacheEndedSessions } from "../../authentication/sessions/cache.ts";
import type { Context } from "../../context.ts";
import { AppError, requireNoFaults } from "../../errors.ts";
import { requireMayAssignRoles } from "../users/by-key.ts";
import { type ChangePlan, decideChange, type MakePlan, toStatements } from "../users/change.ts";
import { toConflict, UNKNOWN_ROLE } from "../users/conflict.ts";
import { planDeletion } from "../users/delete.ts";
import { createPlanner } from "../users/edit.ts";
import { findRoleGrants, listManagedUsers, type ManagedUser } from "../users/repository.ts";
import type { BulkAction, BulkResult, BulkUsers } from "./schema.ts";

export type BulkOutcome = BulkResult["data"][number];

/** The permission that each action needs, as the operation on a single user does. */
const PERMISSIONS: Readonly<Record<BulkAction, Permission>> = {
  activate: "users:update",
  deactivate: "users:update",
  delete: "users:delete",
  set_role: "roles:assign",
};

/** How often changes are attempted: those of users whom others changed meanwhile are planned again. */
const MAX_ROUNDS = 5;

/**
 * Changes many users by the rules that hold for a single one, and returns what became of each, in order. The changes are made in one
 * transaction, the caller's own account last. Users whom others changed meanwhile are tried again, each time in a further transaction.
 * A user who is refused does not stop the others. Throws `forbidden`, and `validation_failed` for an unknown role.
 */
export async function changeUsers(ctx: Context, input: BulkUsers): Promise<BulkOutcome[]> {
  const outcomes = new Map<string, BulkOutcome>();
  for (let round = 0; round < MAX_ROUNDS && outcomes.size < input.ids.length; round += 1) {
    const pending = input.ids.filter((id) => !outcomes.has(id));
    try {
      await attemptChanges(ctx, { ...input, ids: pending }, outcomes);
    } catch (error) {
      // Some may be done already: the caller learns which. Those that are left are refused for the reason given.
      if (outcomes.size === 0 || !(error instanceof AppError)) throw error;
      for (const id of pending) refuse(outcomes, id, error);
    }
  }
  for (const id of input.ids)
    if (!outcomes.has(id)) refuse(outcomes, id, new AppError("edit_conflict"));
  return input.ids.flatMap((id) => outcomes.get(id) ?? []);
}

/** The caller and the role. Throws `forbidden`, and `validation_failed` if there is no such role. */
export async function checkBulk(ctx: Context, input: Partial<BulkUsers>) {
  const { ids, action, role } = input;
  const { acting, granted, users } = await read(ctx, {
    granted: role !== undefined && findRoleGrants(ctx.db, role),
    users: ids !== undefined && listManagedUsers(ctx.db, ids),
  });
  if (action) requirePermissions(acting.actor, [PERMISSIONS[action]]);
  if (action === "set_role") requireMayAssignRoles(acting);
  if (action === "set_role" || action === "delete") requireStepUp(acting);
  const [grants] = granted;
  requireNoFaults(role !== undefined && !grants ? [UNKNOWN_ROLE] : []);
  return { acting, grants, users: new Map(users.map((user) => [user.id, user])) };
}

interface Planned {
  acting: Acting;
  user: ManagedUser;
  change: ChangePlan;
}

// Users whose change does not apply, because they were changed meanwhile, get no outcome.
async function attemptChanges(
  ctx: Context,
  input: BulkUsers,
  outcomes: Map<string, BulkOutcome>,
): Promise<void> {
  const { acting: caller, grants, users } = await checkBulk(ctx, input);
  const acting = await withActorDataKey(caller);
  const plan = toPlan(input);
  const planned: Planned[] = [];
  for (const id of input.ids) {
    try {
      const decided = decideChange(acting, users.get(id), { plan, grants });
      const { change } = decided;
      if (change && change.events.length > 0) planned.push({ ...decided, change });
      else outcomes.set(id, { id, status: "unchanged" });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refuse(outcomes, id, error);
    }
  }
  await applyChanges(acting, planned, outcomes);
}

// The caller's own account comes last: the change may end their session or their authority, which the others need.
async function applyChanges(
  acting: Acting,
  planned: readonly Planned[],
  outcomes: Map<string, BulkOutcome>,
): Promise<void> {
  const isOwn = ({ user }: Planned) => Number(user.id === acting.actor.userId);
  const ordered = planned.toSorted((a, b) => isOwn(a) - isOwn(b));
  const statements = await Promise.all(
    ordered.map(({ acting: caller, user, change }) => toStatements(caller, user, change)),
  );
  try {
    for (const { changed, ended } of await commitEach(acting, statements)) {
      const [user] = changed;
      if (user) outcomes.set(user.id, { id: user.id, status: "done" });
      cacheEndedSessions(acting, ended ?? []);
    }
  } catch (error) {
    throw toConflict(error);
  }
}

function toPlan({ action, role }: BulkUsers): MakePlan {
  const plan = action === "delete" ? planDeletion : createPlanner(toEdit(action, role));
  return (acting, user) => {
    const change = plan(acting, user);
    return change && { ...change, needs: [...(change.needs ?? []), PERMISSIONS[action]] };
  };
}

function toEdit(action: BulkAction, role: string | undefined) {
  return action === "set_role" ? { role } : { is_active: action === "activate" };
}

function refuse(outcomes: Map<string, BulkOutcome>, id: string, { code }: AppError): void {
  outcomes.set(id, { id, status: "refused", code });
}
