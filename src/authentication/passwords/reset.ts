import { sql } from "drizzle-orm";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { normalizeEmail, toComparisonKey } from "../../lib/text.ts";
import { deliverSoon, mayAskForMail, queueMail, voidLinks } from "../../outbox/deliver.ts";
import { attemptKeyOf, deleteLoginAttempts } from "../attempts/repository.ts";
import { isTokenLive } from "../one-time-tokens/repository.ts";
import { readToken } from "../one-time-tokens/tokens.ts";
import { publishEnded } from "../sessions/principal.ts";
import { revokeSessions } from "../sessions/repository.ts";
import { findResettableUser, resetPasswordHash } from "./repository.ts";
import { requireAcceptablePassword } from "./rules.ts";
import type { ResetPassword } from "./schema.ts";

/**
 * Sends a link for a new password to an address, if it is that of an active user: one a minute, five an hour.
 * Does the same work and says the same for every address.
 */
export async function requestReset(ctx: Context, email: string): Promise<void> {
  const { db } = ctx;
  const [user] = await findResettableUser(db, toComparisonKey(normalizeEmail(email)));
  const userId = user?.id ?? newId();
  const mail = { userId, kind: "reset_password", address: user?.email ?? email } as const;
  const event = await createAuditEvent(ctx, {
    action: "password.reset_requested",
    targetType: "user",
    targetId: user?.id ?? null,
    origin: user,
  });
  const mayAsk = user ? mayAskForMail(ctx, mail) : sql`false`;
  const [, , , queued] = await db.batch([
    ...voidLinks(ctx, userId, ["reset_password"], mayAsk),
    // For every address, so that each request writes.
    insertAuditEvent(db, event, sql`true`),
    queueMail(ctx, mail, mayAsk),
  ]);
  deliverSoon(ctx, queued);
}

/** Sets a new password for the user whom a token was sent to, and ends every session. Works once. Throws `invalid_token`, `validation_failed`. */
export async function resetPassword(ctx: Context, input: ResetPassword): Promise<void> {
  const read = await readToken(ctx, input.token);
  if (read?.token.purpose !== "reset_password" || !read.token.isActive) {
    throw new AppError("invalid_token");
  }
  const { token, tokenHash } = read;
  if (toComparisonKey(token.address) !== token.emailKey) throw new AppError("invalid_token");
  await requireAcceptablePassword(ctx, input.password, token, "password");
  const hash = await hashPassword(input.password, ctx.config.password);
  const { db } = ctx;
  const { userId } = token;
  const now = ctx.now();
  const owner = { id: userId, dataKey: token.dataKey };
  const event = await createAuditEvent(ctx, {
    action: "password.reset",
    targetType: "user",
    targetId: userId,
    origin: owner,
  });
  const recorded = ifRecorded(event.id);
  const notice = { userId, kind: "password_changed", address: token.email } as const;
  const isLive = isTokenLive(tokenHash, "reset_password", now);
  const [reset, , ended, , , , queued] = await db.batch([
    resetPasswordHash(db, { userId, emailKey: token.emailKey, hash }, isLive),
    insertAuditEvent(db, event, ifChanged),
    revokeSessions(db, { userId }, { reason: "password_reset", now }, recorded),
    // A change of email that somebody began with the old password ends with it.
    ...voidLinks(ctx, userId, ["reset_password", "change_email"], recorded),
    // Whoever reads their mail is no guesser.
    deleteLoginAttempts(db, attemptKeyOf(userId), recorded),
    queueMail(ctx, notice, recorded),
  ]);
  if (reset.length === 0) throw new AppError("invalid_token");
  publishEnded(ctx, ended);
  deliverSoon(ctx, queued);
}
