import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import type { Permission } from "../../access/permissions.ts";
import { type Acting, read } from "../../access/read.ts";
import { revokeApiKeysOfUser } from "../../access/repository.ts";
import {
  requireCovers,
  requireManageable,
  requireOwner,
  requirePermissions,
} from "../../access/require.ts";
import { withoutSelfScope } from "../../access/self.ts";
import { requireStepUp } from "../../access/step-up.ts";
import type { UserRef } from "../../access/target.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { type AuditAction, type Changes, createAuditEvent } from "../../audit/events.ts";
import { deleteIdentitiesOfUser } from "../../authentication/identities/repository.ts";
import { TOKEN_PURPOSES } from "../../authentication/one-time-tokens/tokens.ts";
import { cacheEndedSessions } from "../../authentication/sessions/cache.ts";
import { type RevocationReason, revokeSessions } from "../../authentication/sessions/repository.ts";
import type { Context } from "../../context.ts";
import { AppError, type Fault, requireNoFaults } from "../../errors.ts";
import { requireMatch, type VersionTest } from "../../http/etag.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks } from "../../outbox/queue.ts";
import { toConflict, UNKNOWN_ROLE } from "./conflict.ts";
import {
  ADMIN_ROLE,
  findManagedUser,
  findRoleGrants,
  isActiveAdmin,
  type ManagedUser,
  type UserChange,
  type UserRow,
  updateUser,
  whereAdminRemains,
} from "./repository.ts";

export interface ChangeTarget {
  user: UserRef;
  ifMatch?: VersionTest;
}

/** A change worked out from the user as it was read. */
export interface ChangePlan {
  set: UserChange;
  /** What is wrong with the request, compared with the user as it was read. */
  faults?: readonly Fault[];
  /** Permissions that this change needs besides the operation's own. */
  needs?: readonly Permission[];
  /** Whether the change needs a recent authentication. */
  needsStepUp?: boolean;
  /** Whether the scope me:write does not cover the change. */
  isBeyondSelfScope?: boolean;
  /** `personal` has the changes of personal data: username, names and email. */
  events: readonly {
    action: AuditAction;
    changes?: Changes | undefined;
    personal?: Changes | undefined;
  }[];
  /** The reason why the user's sessions end with this change, if they do. */
  endsSessions?: RevocationReason | undefined;
  /** Whether the user's API keys are revoked. */
  endsKeys?: true;
  /** Whether the user's identities at other providers are unlinked, so that other accounts can have them. */
  unlinksIdentities?: true;
  /** Whether the links in emails to the user are voided. */
  voidsLinks?: boolean;
  /** A new address that the user must confirm. */
  confirms?: string | undefined;
}

/** Plans the change of a user as it was read. Undefined if there is nothing to do. */
export type MakePlan = (acting: Acting, user: ManagedUser) => ChangePlan | undefined;

/**
 * Changes a user. `plan` gets the user as it was read and returns what to do, or undefined for nothing; `role` is the role that it
 * may assign. The statement that makes the change checks again that the caller may make it, that the user is still as it was read,
 * and that an administrator remains. If it changes nothing, the user is read and the change planned again.
 * Throws `user_not_found`, `version_conflict`, `forbidden`, `privilege_escalation`, `last_admin`, `email_taken`, `username_taken`.
 */
export async function changeUser(
  ctx: Context,
  target: ChangeTarget,
  plan: MakePlan,
  role?: string,
): Promise<UserRow> {
  return retryOnConflict(async () => {
    const { acting, user, change } = await planChange(ctx, target, plan, role);
    if (!change || change.events.length === 0) return user;
    return applyChange(acting, user, change);
  });
}

/**
 * Reads the user and plans its change, without changing anything. Throws `user_not_found`, `version_conflict`, `forbidden`,
 * `privilege_escalation`, and then `validation_failed` with all that is wrong with the request.
 */
export async function planChange(
  ctx: Context,
  target: ChangeTarget,
  plan: MakePlan,
  role?: string,
) {
  const {
    acting: caller,
    users,
    granted,
  } = await read(ctx, {
    users: findManagedUser(ctx.db, target.user),
    granted: role !== undefined && findRoleGrants(ctx.db, role),
  });
  return decideChange(caller, users[0], { plan, grants: granted[0], ifMatch: target.ifMatch });
}

interface Decision {
  plan: MakePlan;
  /** The permissions of the role that the plan may assign, if there is such a role. */
  grants: { permissions: readonly string[] } | undefined;
  ifMatch?: VersionTest | undefined;
}

/** Plans the change of a user who was read with the caller. Throws what `planChange` throws, and `last_admin`. */
export function decideChange(
  caller: Acting,
  user: ManagedUser | undefined,
  { plan, grants, ifMatch }: Decision,
) {
  if (!user) throw new AppError("user_not_found");
  const change = plan(caller, user);
  const acting = change?.isBeyondSelfScope ? withoutSelfScope(caller) : caller;
  requireOwner(acting, user.id);
  requireManageable(acting, user);
  requirePermissions(acting.actor, change?.needs ?? []);
  const isNewRole = change?.set.role !== undefined;
  if (isNewRole && grants) requireCovers(acting.actor, grants.permissions);
  if (change?.needsStepUp) requireStepUp(acting);
  requireMatch(ifMatch, user);
  requireNoFaults([...(change?.faults ?? []), ...(isNewRole && !grants ? [UNKNOWN_ROLE] : [])]);
  if (change && change.events.length > 0) requireAdminRemains(user, change.set);
  return { acting, user, change };
}

type AuditedField = keyof UserRow & keyof UserChange;

/** The changed fields for the audit trail, under their names in the API; undefined if nothing changed. */
export function diffUser(
  before: UserRow,
  after: UserChange,
  names: Readonly<Partial<Record<AuditedField, string>>>,
): Changes | undefined {
  const changes: Record<string, Changes[string]> = {};
  for (const [field, name] of Object.entries(names) as [AuditedField, string][]) {
    const to = after[field];
    if (to !== undefined && to !== before[field]) changes[name] = { from: before[field], to };
  }
  return Object.keys(changes).length > 0 ? changes : undefined;
}

function requireAdminRemains(user: ManagedUser, set: UserChange): void {
  if (endsAdmin(user, set) && !user.anotherAdminRemains) throw new AppError("last_admin");
}

function endsAdmin(user: ManagedUser, set: UserChange): boolean {
  if (!isActiveAdmin(user)) return false;
  const { role = ADMIN_ROLE, isActive = true, deletedAt = null } = set;
  return role !== ADMIN_ROLE || !isActive || deletedAt !== null;
}

/** The user after the change; undefined if the change no longer applies. */
async function applyChange(
  acting: Acting,
  user: ManagedUser,
  change: ChangePlan,
): Promise<UserRow | undefined> {
  try {
    const { changed, ended, mail, notice } = await commit(
      acting,
      await toStatements(acting, user, change),
    );
    cacheEndedSessions(acting, ended);
    deliverSoon(acting, [...mail, ...notice]);
    return changed[0];
  } catch (error) {
    throw toConflict(error);
  }
}

/** The statements of a change: the conditional update, its events, and what follows. */
export async function toStatements(acting: Acting, user: ManagedUser, change: ChangePlan) {
  const { db } = acting;
  const { id: userId, version } = user;
  const { set, endsSessions, confirms } = change;
  const now = acting.now();
  const [event, ...furtherEvents] = await createEvents(acting, user, change);
  if (!event) throw new Error("a change without an audit event");
  return {
    change: updateUser(
      db,
      { id: userId, version, now },
      set,
      whereApplicable(acting, user, change),
    ),
    event,
    furtherEvents,
    effects: (recorded: SQL) => ({
      ended:
        endsSessions && revokeSessions(db, { userId }, { reason: endsSessions, now }, recorded),
      endedKeys: change.endsKeys && revokeApiKeysOfUser(db, userId, now, recorded),
      unlinked: change.unlinksIdentities && deleteIdentitiesOfUser(db, userId, recorded),
      ...(change.voidsLinks && voidLinks(acting, userId, TOKEN_PURPOSES, recorded)),
      notice: confirms !== undefined && queueMail(acting, toOldAddressNotice(user), recorded),
      mail:
        confirms !== undefined &&
        queueMail(
          acting,
          { userId, kind: user.hasPassword ? "verify_email" : "invitation", address: confirms },
          recorded,
        ),
    }),
  };
}

// The change precedes the notice and has replaced the address by then.
function toOldAddressNotice({
  id: userId,
  email: address,
  emailVerified: wasVerified,
}: ManagedUser) {
  return { userId, kind: "email_changed", address, wasVerified } as const;
}

function whereApplicable(acting: Acting, user: ManagedUser, { set, needs = [] }: ChangePlan): SQL {
  const whereAllowed = whereAuthorized(acting, {
    on: { userId: user.id, role: sql`users.role` },
    needs,
    ...(set.role !== undefined && { grants: sql`${set.role}` }),
  });
  return endsAdmin(user, set) ? sql`${whereAllowed} AND ${whereAdminRemains}` : whereAllowed;
}

function createEvents(acting: Acting, user: ManagedUser, { events }: ChangePlan) {
  const target = { targetType: "user", targetId: user.id } as const;
  return Promise.all(
    events.map(({ action, changes, personal }) =>
      createAuditEvent(acting, {
        action,
        ...target,
        ...(changes && { changes }),
        ...(personal && { personal: { of: user, changes: personal } }),
      }),
    ),
  );
}
