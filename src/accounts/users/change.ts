import { type SQL, sql } from "drizzle-orm";
import { authorize, findStanding, whereAuthorized } from "../../access/conditions.ts";
import type { Permission } from "../../access/permissions.ts";
import { isSelf, type Principal } from "../../access/principal.ts";
import { requireCovers, requirePermissions, requireStanding } from "../../access/require.ts";
import { publishKeysEnded } from "../../api-keys/principal.ts";
import { revokeApiKeysOfUser } from "../../api-keys/repository.ts";
import { type AuditAction, type Changes, createAuditEvent } from "../../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../../audit/repository.ts";
import { TOKEN_PURPOSES } from "../../authentication/one-time-tokens/tokens.ts";
import { publishEnded } from "../../authentication/sessions/principal.ts";
import { type RevocationReason, revokeSessions } from "../../authentication/sessions/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { deliverSoon, queueMail, voidLinks } from "../../outbox/deliver.ts";
import { toConflict } from "./create.ts";
import {
  ADMIN_ROLE,
  findManagedUser,
  isActiveAdmin,
  isNotLastAdmin,
  type ManagedUser,
  type UserChange,
  type UserRow,
  updateUser,
} from "./repository.ts";

/** Others may keep changing the same user at the same moment; each round at least one of them gets through. */
const MAX_ROUNDS = 25;

export interface ChangeTarget {
  id: string;
  /** What If-Match demands of the version, where it was given. */
  ifMatch?: ((user: { id: string; version: number }) => boolean) | undefined;
}

/** A change worked out from the user as it is now. */
export interface ChangePlan {
  set: UserChange;
  /** The permissions that this change needs; none for what anyone may do to themselves. */
  needs: readonly Permission[];
  /** `personal` is what changed of the user's own: names, email. */
  events: readonly {
    action: AuditAction;
    changes?: Changes | undefined;
    personal?: Changes | undefined;
  }[];
  /** Why the user's sessions end with this change, where they do. */
  endsSessions?: RevocationReason | undefined;
  /** The user's API keys end with it, too. */
  endsKeys?: true;
  /** Links in mails that they were sent are void with it. */
  voidsLinks?: boolean;
  /** An address that is to be confirmed because of it. */
  confirms?: string | undefined;
}

/**
 * Changes a user: `plan` is given the user as it is and says what to do, or undefined for nothing. Whether the principal may,
 * whether the user is still as the plan saw it, and whether an administrator remains is decided again in the statement that writes;
 * if that refuses because someone else was faster, the plan is made anew. Change, audit and the end of sessions are one batch.
 * Throws `user_not_found`, `version_conflict`, `forbidden`, `privilege_escalation`, `last_admin`, `email_taken`, `username_taken`.
 */
export async function changeUser(
  ctx: Context,
  principal: Principal,
  target: ChangeTarget,
  plan: (user: ManagedUser) => ChangePlan | undefined,
): Promise<UserRow> {
  let [user] = await findManagedUser(ctx.db, target.id);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!user) throw new AppError("user_not_found");
    const change = plan(user);
    if (!isSelf(principal, user.id)) requireCovers(principal, user.permissions);
    if (target.ifMatch && !target.ifMatch(user)) throw new AppError("version_conflict");
    if (!change) return user;
    requirePermissions(principal, change.needs);
    requireAdminRemains(user, change.set);
    const outcome = await applyChange(ctx, principal, user, change);
    if (outcome.updated) return outcome.updated;
    user = outcome.fresh;
    if (user) requireAdminRemains(user, change.set);
    requireStanding(outcome.standing);
  }
  throw new AppError("edit_conflict");
}

type AuditedField = keyof UserRow & keyof UserChange;

/** What changed, for the audit trail, under the names that the API uses; undefined when nothing did. */
export function diff(
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

async function applyChange(
  ctx: Context,
  principal: Principal,
  user: ManagedUser,
  change: ChangePlan,
) {
  const { db } = ctx;
  const now = ctx.now();
  const [first, ...others] = await Promise.all(
    change.events.map(({ action, changes, personal }) =>
      createAuditEvent(ctx, {
        action,
        targetType: "user",
        targetId: user.id,
        ...(changes && { changes }),
        ...(personal && { personal: { of: user, changes: personal } }),
      }),
    ),
  );
  if (!first) throw new Error("a change without an audit event");
  const may = authorizeChange(principal, user, change, now);
  const conditions = [whereAuthorized(may)];
  if (endsAdmin(user, change.set)) conditions.push(isNotLastAdmin);
  const recorded = ifRecorded(first.id);
  const sessionsEnd = change.endsSessions ? recorded : sql`false`;
  const reason = change.endsSessions ?? "role_changed";
  const isReadressed = change.confirms === undefined ? sql`false` : recorded;
  const mail = { userId: user.id, kind: "verify_email", address: change.confirms ?? "" } as const;
  const notice = { userId: user.id, kind: "email_changed", address: user.email } as const;
  try {
    const [[updated], , ended, keys, , , [fresh], [standing], , queued] = await db.batch([
      updateUser(db, { id: user.id, version: user.version, now }, change.set, conditions),
      insertAuditEvent(db, first, ifChanged),
      revokeSessions(db, { userId: user.id }, { reason, now }, sessionsEnd),
      revokeApiKeysOfUser(db, user.id, now, change.endsKeys ? recorded : sql`false`),
      ...voidLinks(ctx, user.id, TOKEN_PURPOSES, change.voidsLinks ? recorded : sql`false`),
      findManagedUser(db, user.id),
      findStanding(db, may, user.id),
      queueMail(ctx, notice, isReadressed),
      queueMail(ctx, mail, isReadressed),
      ...others.map((event) => insertAuditEvent(db, event, recorded)),
    ]);
    publishEnded(ctx, ended);
    publishKeysEnded(ctx, keys);
    deliverSoon(ctx, queued);
    return { updated, fresh, standing };
  } catch (error) {
    throw toConflict(error);
  }
}

/** For another's account every permission that it holds is needed, and for a role that is given every permission of it. */
function authorizeChange(principal: Principal, user: ManagedUser, change: ChangePlan, now: number) {
  const roles: SQL[] = [];
  if (!isSelf(principal, user.id)) roles.push(sql`users.role`);
  if (change.set.role !== undefined) roles.push(sql`${change.set.role}`);
  return authorize(principal, { permissions: change.needs, roles, now });
}
