import { type SQL, sql } from "drizzle-orm";
import { ifChanged, ifRecorded, insertAuditEvent } from "../audit/repository.ts";
import { type AuditAction, type Changes, createAuditEvent } from "../audit/service.ts";
import type { Authority, Context } from "../context.ts";
import { sessionCoversRole, sessionHolds, sessionIsLive } from "../db/authority.ts";
import { AppError } from "../errors.ts";
import type { Permission } from "../lib/permissions.ts";
import { type RevocationReason, revokeSessionsOfUser } from "../sessions/repository.ts";
import { publishEnded } from "../sessions/state.ts";
import {
  ADMIN_ROLE,
  findManagedUser,
  findStanding,
  isNotLastAdmin,
  type ManagedUser,
  type UserChange,
  type UserRow,
  updateUser,
} from "./repository.ts";
import { toConflict } from "./service.ts";

/** Others may keep changing the same user at the same moment; each round at least one of them gets through. */
const MAX_ROUNDS = 25;

export interface ChangeTarget {
  id: string;
  /** What If-Match demands of the version, where it was given. */
  ifMatch?: ((version: number) => boolean) | undefined;
}

/** A change worked out from the user as it is now. */
export interface ChangePlan {
  set: UserChange;
  /** The permissions that this change needs; none for what anyone may do to themselves. */
  needs: readonly Permission[];
  events: readonly { action: AuditAction; changes: Changes }[];
  /** Why the user's sessions end with this change, where they do. */
  endsSessions?: RevocationReason;
}

/**
 * Changes a user: `plan` is given the user as it is and says what to do, or undefined for nothing. Whether the actor may,
 * whether the user is still as the plan saw it, and whether an administrator remains is decided again in the statement that writes;
 * if that refuses because someone else was faster, the plan is made anew. Change, audit and the end of sessions are one batch.
 * Throws `user_not_found`, `version_conflict`, `forbidden`, `privilege_escalation`, `last_admin`, `email_taken`, `username_taken`.
 */
export async function changeUser(
  ctx: Context,
  actor: Authority,
  target: ChangeTarget,
  plan: (user: ManagedUser) => ChangePlan | undefined,
): Promise<UserRow> {
  let [user] = await findManagedUser(ctx.db, target.id);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!user) throw new AppError("user_not_found");
    requireManageable(actor, user);
    const change = plan(user);
    if (target.ifMatch && !target.ifMatch(user.version)) throw new AppError("version_conflict");
    if (!change) return user;
    requireHeld(actor, change.needs);
    requireAdminRemains(user, change.set);
    const outcome = await applyChange(ctx, actor, user, change);
    if (outcome.updated) return outcome.updated;
    user = outcome.fresh;
    if (user) requireAdminRemains(user, change.set);
    requireStillAuthorized(outcome.standing);
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

function requireManageable(actor: Authority, user: ManagedUser): void {
  if (user.id === actor.userId) return;
  if (user.permissions.every((held) => actor.permissions.includes(held))) return;
  throw new AppError("privilege_escalation");
}

function requireHeld(actor: Authority, needs: readonly Permission[]): void {
  const missing = needs.find((needed) => !actor.permissions.includes(needed));
  if (missing) throw new AppError("forbidden", { detail: `This needs the permission ${missing}.` });
}

function requireAdminRemains(user: ManagedUser, set: UserChange): void {
  if (endsAdmin(user, set) && !user.anotherAdminRemains) throw new AppError("last_admin");
}

function requireStillAuthorized(standing: Record<keyof Authorization, number> | undefined): void {
  if (!standing) return;
  if (!standing.isLive) throw new AppError("unauthenticated");
  if (!standing.holds) throw new AppError("forbidden");
  if (!standing.covers) throw new AppError("privilege_escalation");
}

function endsAdmin(user: ManagedUser, set: UserChange): boolean {
  if (user.role !== ADMIN_ROLE || !user.isActive || user.deletedAt !== null) return false;
  const { role = ADMIN_ROLE, isActive = true, deletedAt = null } = set;
  return role !== ADMIN_ROLE || !isActive || deletedAt !== null;
}

async function applyChange(ctx: Context, actor: Authority, user: ManagedUser, change: ChangePlan) {
  const { db } = ctx;
  const now = ctx.now();
  const [first, ...others] = change.events.map((event) =>
    createAuditEvent(ctx, { ...event, targetType: "user", targetId: user.id }),
  );
  if (!first) throw new Error("a change without an audit event");
  const may = authorize(actor, user, change, now);
  const conditions = [may.isLive, may.holds, may.covers];
  if (endsAdmin(user, change.set)) conditions.push(isNotLastAdmin);
  const recorded = ifRecorded(first.id);
  const sessionsEnd = change.endsSessions ? recorded : sql`false`;
  const reason = change.endsSessions ?? "role_changed";
  try {
    const [[updated], , ended, [fresh], [standing]] = await db.batch([
      updateUser(db, { id: user.id, version: user.version, now }, change.set, conditions),
      insertAuditEvent(db, first, ifChanged),
      revokeSessionsOfUser(db, { userId: user.id }, reason, now, sessionsEnd),
      findManagedUser(db, user.id),
      findStanding(db, user.id, may),
      ...others.map((event) => insertAuditEvent(db, event, recorded)),
    ]);
    publishEnded(ctx, ended);
    return { updated, fresh, standing };
  } catch (error) {
    throw toConflict(error);
  }
}

interface Authorization {
  isLive: SQL;
  holds: SQL;
  covers: SQL;
}

/** A live session; the permissions that the change needs; and, for another's account or a role that is given, every permission that goes with it. */
function authorize(
  actor: Authority,
  user: ManagedUser,
  change: ChangePlan,
  now: number,
): Authorization {
  const { sessionId } = actor;
  const covered = [sql`true`];
  if (user.id !== actor.userId) covered.push(sessionCoversRole(sessionId, sql`users.role`));
  if (change.set.role !== undefined) {
    covered.push(sessionCoversRole(sessionId, sql`${change.set.role}`));
  }
  return {
    isLive: sessionIsLive(sessionId, now),
    holds: sessionHolds(sessionId, change.needs),
    covers: sql.join(covered, sql` AND `),
  };
}
