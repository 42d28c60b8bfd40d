import { sql } from "drizzle-orm";
import { MAX_SESSIONS, planErasure } from "../../accounts/personal-data/erase.ts";
import { findUser, whereAdminRemains } from "../../accounts/users/repository.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { whereTokenLive } from "../one-time-tokens/repository.ts";
import { readToken } from "../one-time-tokens/tokens.ts";
import { cacheEndedSessions } from "../sessions/cache.ts";
import { listLiveSessions } from "../sessions/repository.ts";
import { whereEmailIs, whereNeverVerified } from "./repository.ts";

/**
 * Erases the account whose verification link someone got who did not register it. Only an account whose address was never verified, and
 * not the last administrator. Throws `invalid_token`.
 */
export async function disownAccount(ctx: Context, text: string): Promise<void> {
  await retryOnConflict(async () => {
    const found = await readToken(ctx, text);
    if (found?.token.purpose !== "verify_email") throw new AppError("invalid_token");
    const { token, tokenHash } = found;
    const { userId } = token;
    const { users, sessions } = await ctx.d1.send({
      users: findUser(ctx.db, userId),
      sessions: listLiveSessions(
        ctx.db,
        userId,
        { now: ctx.now(), since: 0, revokedBefore: 0 },
        { limit: MAX_SESSIONS },
      ),
    });
    const [user] = users;
    if (!user) throw new AppError("invalid_token");
    const whereUnclaimed = sql`${whereTokenLive(tokenHash, token.purpose, ctx.now())}
      AND ${whereEmailIs(userId, toComparisonKey(token.address))} AND ${whereNeverVerified} AND ${whereAdminRemains}`;
    // A login increments the version: a session that began after the read prevents the erasure.
    const whereAsRead = sql`users.version = ${user.version}`;
    const { changed, left } = await commit(ctx, {
      ...(await planErasure(ctx, userId, sql`${whereUnclaimed} AND ${whereAsRead}`, {
        reason: "disowned",
        was_deleted: false,
      })),
      read: { left: findUser(ctx.db, userId) },
    });
    const [erased] = changed;
    // Neither erased nor changed since it was read: one of the other conditions does not hold.
    if (!erased && left[0]?.version === user.version) throw new AppError("invalid_token");
    const ended = sessions.map(({ id }) => ({ id, rotatedAt: ctx.now() }));
    if (erased) cacheEndedSessions(ctx, ended);
    return erased;
  });
}
