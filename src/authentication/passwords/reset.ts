import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks } from "../../outbox/queue.ts";
import { deleteAttempts, toAttemptKey } from "../attempts/repository.ts";
import { type FoundToken, whereTokenLive } from "../one-time-tokens/repository.ts";
import { readToken } from "../one-time-tokens/tokens.ts";
import { cacheEndedSessions } from "../sessions/cache.ts";
import { revokeSessions } from "../sessions/repository.ts";
import { resetPasswordHash } from "./repository.ts";
import { requireAcceptablePassword } from "./rules.ts";
import type { ResetPassword } from "./schema.ts";

/**
 * Sets a new password for the user whom a token was sent to, and ends all their sessions. A token works once.
 * Throws `invalid_token`, `validation_failed`.
 */
export async function resetPassword(ctx: Context, input: ResetPassword): Promise<void> {
  const read = await readToken(ctx, input.token);
  if (read?.token.purpose !== "reset_password" || !read.token.isActive) {
    throw new AppError("invalid_token");
  }
  const { token, tokenHash } = read;
  if (toComparisonKey(token.address) !== token.emailKey) throw new AppError("invalid_token");
  await requireAcceptablePassword(ctx, input.password, token, "password");
  const hash = await hashPassword(input.password, ctx.config.password);
  const hasReset = await applyReset(ctx, token, tokenHash, hash);
  if (!hasReset) throw new AppError("invalid_token");
}

async function applyReset(
  ctx: Context,
  token: FoundToken,
  tokenHash: string,
  hash: string,
): Promise<boolean> {
  const { db } = ctx;
  const { userId, emailKey, dataKey } = token;
  const now = ctx.now();
  const notice = { userId, kind: "password_changed", address: token.email } as const;
  const reason = { reason: "password_reset", now } as const;
  const whereLive = whereTokenLive(tokenHash, "reset_password", now);
  const { changed, ended, mail } = await commit(ctx, {
    change: resetPasswordHash(db, { userId, emailKey, hash }, whereLive),
    event: await createAuditEvent(ctx, {
      action: "password.reset",
      targetType: "user",
      targetId: userId,
      origin: { id: userId, dataKey },
    }),
    effects: (recorded) => ({
      ended: revokeSessions(db, { userId }, reason, recorded),
      // A pending change of email was authorized with the old password, so it is voided.
      ...voidLinks(ctx, userId, ["reset_password", "change_email"], recorded),
      // The user has proven access to the mailbox, so the lock-out ends.
      attempts: deleteAttempts(db, toAttemptKey(userId), recorded),
      mail: queueMail(ctx, notice, recorded),
    }),
  });
  cacheEndedSessions(ctx, ended);
  deliverSoon(ctx, mail);
  return changed.length > 0;
}
