import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { retryOnConflict } from "../../audit/commit.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { whereOtherLogin } from "../login-methods/conditions.ts";
import { checkNewPassword, commitPassword } from "./change.ts";
import { findOtherLogin, replacePassword } from "./repository.ts";
import type { SetPassword } from "./schema.ts";

/**
 * Sets the password of a caller who has none, and ends all their other sessions. Throws `password_exists`, `validation_failed`.
 */
export async function setPassword(ctx: Context, { new_password }: SetPassword): Promise<void> {
  await checkNewPassword(ctx, { new_password });
  const hash = await hashPassword(new_password, ctx.config.password);
  await retryOnConflict(async () => {
    const { acting, account } = await read(ctx, {});
    const { userId } = requirePerson(acting);
    if (account.hasPassword) throw new AppError("password_exists");
    return commitPassword(acting, account, {
      change: replacePassword(
        acting.db,
        { userId, hash, now: acting.now() },
        whereAuthorized(acting, {}),
      ),
      kind: "password_set",
    });
  });
}

/**
 * Removes the caller's password, and ends all their other sessions. Changes nothing for a caller without one. Throws `last_login_method`
 * if they could not log in any more.
 */
export async function removePassword(ctx: Context, userId: string): Promise<void> {
  const whereOther = whereOtherLogin(ctx, userId, { hasPassword: true });
  await retryOnConflict(async () => {
    const { acting, account, others } = await read(ctx, {
      others: findOtherLogin(ctx.db, whereOther),
    });
    if (!account.hasPassword) return account;
    if (others[0]?.isLast) throw new AppError("last_login_method");
    return commitPassword(acting, account, {
      change: replacePassword(
        acting.db,
        { userId, hash: null, now: acting.now() },
        sql`${whereAuthorized(acting, {})} AND ${whereOther}`,
      ),
      kind: "password_removed",
    });
  });
}
