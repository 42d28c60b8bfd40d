import { sql } from "drizzle-orm";
import { type Authorization, findStanding, whereAuthorized } from "../../access/conditions.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { requireStanding } from "../../access/require.ts";
import { toConflict } from "../../accounts/users/create.ts";
import { findUser, type UserRow } from "../../accounts/users/repository.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { HOUR, SECOND } from "../../lib/time.ts";
import {
  deliverSoon,
  mayAskForMail,
  maySendMail,
  queueMail,
  voidLinks,
} from "../../outbox/deliver.ts";
import { type FoundToken, isTokenLive } from "../one-time-tokens/repository.ts";
import { readToken, TOKEN_PURPOSES } from "../one-time-tokens/tokens.ts";
import { confirmEmail, findAddress, findUserByEmail, hasEmail } from "./repository.ts";

/**
 * Confirms the address that a token was sent to: the user's own, or the one that is to become it. Works once.
 * Throws `invalid_token`, and `email_taken` when someone else has the new address meanwhile.
 */
export async function verifyEmail(ctx: Context, tokenText: string): Promise<UserRow> {
  const read = await readToken(ctx, tokenText);
  if (!read) throw new AppError("invalid_token");
  const { token, tokenHash } = read;
  const key = toComparisonKey(token.address);
  const isChange = token.purpose === "change_email";
  if (isChange && !token.isActive) throw new AppError("invalid_token");
  if (!isChange && (token.purpose !== "verify_email" || token.emailKey !== key)) {
    throw new AppError("invalid_token");
  }
  const { db } = ctx;
  const { userId } = token;
  const now = ctx.now();
  const event = await createVerificationEvent(ctx, token, isChange);
  const recorded = ifRecorded(event.id);
  const isLive = isTokenLive(tokenHash, token.purpose, now);
  const condition = isChange ? isLive : sql`${isLive} AND ${hasEmail(userId, key)}`;
  const email = isChange
    ? { address: token.address, key }
    : { address: token.email, key: token.emailKey };
  try {
    const [confirmed, , , , [user]] = await db.batch([
      confirmEmail(db, { userId, now }, email, condition),
      insertAuditEvent(db, event, ifChanged),
      // A confirmed address leaves nothing to confirm, and a new one voids links to the old.
      ...voidLinks(ctx, userId, isChange ? TOKEN_PURPOSES : ["verify_email"], recorded),
      findUser(db, userId),
    ]);
    if (confirmed.length === 0 || !user) throw new AppError("invalid_token");
    return user;
  } catch (error) {
    throw toConflict(error);
  }
}

/** Sends the link again to a user whose address is not confirmed: one a minute, five an hour. Says nothing of what it did. */
export async function resendVerification(ctx: Context, userId: string): Promise<void> {
  const [user] = await findAddress(ctx.db, userId);
  if (!user || user.emailVerified) return;
  const mail = { userId, kind: "verify_email", address: user.email } as const;
  const mayAsk = mayAskForMail(ctx, mail);
  const [, , queued] = await ctx.db.batch([
    ...voidLinks(ctx, userId, ["verify_email"], mayAsk),
    queueMail(ctx, mail, mayAsk),
  ]);
  deliverSoon(ctx, queued);
}

/**
 * Begins a change of one's own email, whose password has been checked, while `may` holds: the new address must confirm, the old one is told.
 * Throws `email_taken`, and `rate_limited` past five an hour, `unauthenticated` when what `may` asks no longer holds.
 */
export async function beginEmailChange(
  ctx: Context,
  { userId }: UserPrincipal,
  address: string,
  may: Authorization,
): Promise<void> {
  const [[taken], [user]] = await ctx.db.batch([
    findUserByEmail(ctx.db, toComparisonKey(address)),
    findAddress(ctx.db, userId),
  ]);
  if (!user) throw new AppError("unauthenticated");
  if (taken && taken.id !== userId) throw new AppError("email_taken");
  const request = { userId, kind: "change_email", address } as const;
  const notice = { userId, kind: "email_change_notice", address: user.email } as const;
  const condition = sql`${whereAuthorized(may)} AND ${maySendMail(ctx, request)}`;
  const [, , , queued, [standing]] = await ctx.db.batch([
    ...voidLinks(ctx, userId, ["change_email"], condition),
    queueMail(ctx, notice, condition),
    queueMail(ctx, request, condition),
    findStanding(ctx.db, may),
  ]);
  deliverSoon(ctx, queued);
  if (queued.length > 0 || !ctx.sendMail) return;
  requireStanding(standing);
  throw tooManyChanges();
}

// Unlike a link that is asked for again, another address that nobody writes to would be a promise not kept.
function tooManyChanges(): AppError {
  return new AppError("rate_limited", {
    detail: "An email can be changed five times an hour.",
    headers: { "Retry-After": String(HOUR / SECOND) },
  });
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
