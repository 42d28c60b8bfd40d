import { sql } from "drizzle-orm";
import { authorize, findStanding, whereAuthorized } from "../../access/conditions.ts";
import { isSelf, type Principal } from "../../access/principal.ts";
import { requireCovers, requireStanding } from "../../access/require.ts";
import { publishKeysEnded } from "../../api-keys/principal.ts";
import { listSecretHashesOfUser } from "../../api-keys/repository.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../../audit/repository.ts";
import { attemptKeyOf, deleteLoginAttempts } from "../../authentication/attempts/repository.ts";
import { publishEnded } from "../../authentication/sessions/principal.ts";
import { listSessionsOfUser } from "../../authentication/sessions/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import {
  deleteUserRow,
  findManagedUser,
  findPurgeable,
  isActiveAdmin,
  isDeletedSince,
  isNotLastAdmin,
} from "../users/repository.ts";

/**
 * Removes a person for good: everything held on them goes with their row, and with it the key under which the audit trail
 * speaks of them. The trail itself stays. Throws `user_not_found`, `last_admin`, `privilege_escalation`.
 */
export async function eraseUser(ctx: Context, principal: Principal, id: string): Promise<void> {
  const [user] = await findManagedUser(ctx.db, id);
  if (!user) throw new AppError("user_not_found");
  if (!isSelf(principal, id)) requireCovers(principal, user.permissions);
  if (isActiveAdmin(user) && !user.anotherAdminRemains) throw new AppError("last_admin");
  const { db } = ctx;
  const may = authorize(principal, {
    permissions: ["users:erase"],
    roles: isSelf(principal, id) ? [] : [sql`(SELECT role FROM users WHERE id = ${id})`],
    now: ctx.now(),
  });
  const event = await createAuditEvent(ctx, {
    action: "user.erased",
    targetType: "user",
    targetId: id,
  });
  const [sessions, keys, erased, , , [fresh], [standing]] = await db.batch([
    listSessionsOfUser(db, id),
    listSecretHashesOfUser(db, id),
    deleteUserRow(db, id, sql`${whereAuthorized(may)} AND ${isNotLastAdmin}`),
    insertAuditEvent(db, event, ifChanged),
    deleteLoginAttempts(db, attemptKeyOf(id), ifRecorded(event.id)),
    findManagedUser(db, id),
    findStanding(db, may),
  ]);
  if (erased.length > 0) {
    publishEnded(ctx, sessions);
    publishKeysEnded(ctx, keys);
    return;
  }
  if (!fresh) throw new AppError("user_not_found");
  if (isActiveAdmin(fresh) && !fresh.anotherAdminRemains) throw new AppError("last_admin");
  requireStanding(standing);
  throw new AppError("edit_conflict");
}

/** Erases up to so many users who were deleted longer ago than the retention, in one batch, and returns them. One who is restored meanwhile stays. */
export async function purgeDeletedUsers(ctx: Context, limit: number): Promise<{ id: string }[]> {
  const { db } = ctx;
  const before = ctx.now() - ctx.config.deletedRetentionMs;
  const due = await findPurgeable(db, before, limit);
  const statements = await Promise.all(due.map(({ id }) => purgeStatements(ctx, id, before)));
  const [first, ...others] = statements.flat();
  if (!first) return [];
  const results = await db.batch([first, ...others]);
  // Of each three the first is the deletion, and tells whether it happened.
  return due.filter((_, i) => {
    const deleted = results[i * 3];
    return Array.isArray(deleted) && deleted.length > 0;
  });
}

async function purgeStatements(ctx: Context, id: string, before: number) {
  const { db } = ctx;
  const target = { targetType: "user", targetId: id } as const;
  const event = await createAuditEvent(ctx, { action: "user.erased", ...target });
  return [
    deleteUserRow(db, id, isDeletedSince(before)),
    insertAuditEvent(db, event, ifChanged),
    deleteLoginAttempts(db, attemptKeyOf(id), ifRecorded(event.id)),
  ] as const;
}
