import { type SQL, sql } from "drizzle-orm";
import { toConflict } from "../../accounts/users/conflict.ts";
import { findUser, type UserRow } from "../../accounts/users/repository.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { voidLinks } from "../../outbox/queue.ts";
import { type FoundToken, whereTokenLive } from "../one-time-tokens/repository.ts";
import { readToken, TOKEN_PURPOSES } from "../one-time-tokens/tokens.ts";
import { confirmEmail, whereEmailIs } from "./repository.ts";

/**
 * Confirms the address that a token was sent to: the user's current email, or a new one that replaces it. A token works once.
 * Throws `invalid_token`, and `email_taken` if another user has taken the new address in the meantime.
 */
export async function verifyEmail(ctx: Context, tokenText: string): Promise<UserRow> {
  const read = await readToken(ctx, tokenText);
  if (!read) throw new AppError("invalid_token");
  const { token, tokenHash } = read;
  const isChange = token.purpose === "change_email";
  requireUsable(token, isChange);
  const { db } = ctx;
  const { userId } = token;
  const key = toComparisonKey(token.address);
  const email = isChange
    ? { address: token.address, key }
    : { address: token.email, key: token.emailKey };
  const whereLive: SQL = whereTokenLive(tokenHash, token.purpose, ctx.now());
  const condition = isChange ? whereLive : sql`${whereLive} AND ${whereEmailIs(userId, key)}`;
  try {
    const { changed, users } = await commit(ctx, {
      change: confirmEmail(db, { userId, now: ctx.now() }, email, condition),
      event: await createVerificationEvent(ctx, token, isChange),
      // Voids other verification links. If the address is new, voids all links, because they were sent to the old one.
      effects: (recorded) =>
        voidLinks(ctx, userId, isChange ? TOKEN_PURPOSES : ["verify_email"], recorded),
      read: { users: findUser(db, userId) },
    });
    const [user] = users;
    if (changed.length === 0 || !user) throw new AppError("invalid_token");
    return user;
  } catch (error) {
    throw toConflict(error);
  }
}

function requireUsable(token: FoundToken, isChange: boolean): void {
  const isUsable = isChange
    ? token.isActive
    : token.purpose === "verify_email" && token.emailKey === toComparisonKey(token.address);
  if (!isUsable) throw new AppError("invalid_token");
}

function createVerificationEvent(ctx: Context, token: FoundToken, isChange: boolean) {
  const owner = { id: token.userId, dataKey: token.dataKey };
  const target = { targetType: "user", targetId: token.userId, origin: owner } as const;
  if (!isChange) return createAuditEvent(ctx, { action: "email.verified", ...target });
  const changes = { email: { from: token.email, to: token.address } };
  return createAuditEvent(ctx, {
    action: "email.changed",
    ...target,
    personal: { of: owner, changes },
  });
}
