import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requireManageable } from "../../access/require.ts";
import { findManagedUser, type ManagedUser } from "../../accounts/users/repository.ts";
import { retryOnConflict } from "../../audit/commit.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { HOUR, MINUTE, SECOND } from "../../lib/time.ts";
import {
  type MailRequest,
  whereWithinHourlyLimits,
  whereWithinMailLimits,
} from "../../outbox/queue.ts";
import { findCredentialState } from "./repository.ts";

/** A user whose credentials someone else manages, as they were read. */
interface ManagedAccount {
  acting: Acting;
  user: ManagedUser;
  passwordExpired: boolean;
  /** Whether failed logins to the account are counted. */
  hasAttempts: boolean;
  /** Whether the user has second factors or recovery codes, confirmed or not. */
  hasFactors: boolean;
  /** True while the caller may manage the user's credentials and the user is not deleted. */
  whereAllowed: SQL;
}

/**
 * Changes the credentials of a user. The caller must hold every permission that the user holds. `change` gets the user as it
 * was read. If it returns nothing, because the user or the caller's authority has changed since, the user is read and changed
 * again.
 * Throws `user_not_found`, `privilege_escalation`, `edit_conflict`.
 */
export async function manageCredentials<T extends object>(
  ctx: Context,
  userId: string,
  change: (account: ManagedAccount) => Promise<T | undefined>,
): Promise<T> {
  return retryOnConflict(async () => {
    const { acting, users, states } = await read(ctx, {
      users: findManagedUser(ctx.db, userId),
      states: findCredentialState(ctx.db, userId),
    });
    const [user] = users;
    const [state] = states;
    if (!user || !state || user.deletedAt !== null) throw new AppError("user_not_found");
    requireManageable(acting, user);
    const role = sql`(SELECT role FROM users WHERE id = ${userId})`;
    const whereLiving = sql`EXISTS (SELECT 1 FROM users AS managed WHERE managed.id = ${userId} AND managed.deleted_at IS NULL)`;
    const whereAllowed = sql`${whereAuthorized(acting, { on: { userId, role } })} AND ${whereLiving}`;
    return change({ acting, user, ...state, whereAllowed });
  });
}

/** Throws `rate_limited` if the limits of an email are why it was not queued. */
export async function requireWithinMailLimits(ctx: Context, mail: MailRequest): Promise<void> {
  const isWithin = whereWithinMailLimits(ctx, mail).mapWith(Boolean).as("is_within");
  const isWithinHour = whereWithinHourlyLimits(ctx, mail).mapWith(Boolean).as("is_within_hour");
  // Reads the caller again, because they may no longer be allowed to do this.
  const { limits } = await read(ctx, {
    limits: ctx.db.select({ isWithin, isWithinHour }).from(sql`(SELECT 1)`),
  });
  const [limit] = limits;
  if (limit?.isWithin) return;
  throw new AppError("rate_limited", {
    detail: "An address gets at most one email of a kind per minute, and five per hour.",
    headers: { "Retry-After": String((limit?.isWithinHour ? MINUTE : HOUR) / SECOND) },
  });
}
