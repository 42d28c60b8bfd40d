import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError, type Fault, requireNoFaults } from "../../errors.ts";
import { hashPassword, verifyPassword } from "../../lib/password-hash.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks } from "../../outbox/queue.ts";
import { deleteAttempts, toAttemptKey } from "../attempts/repository.ts";
import { planFirstProof } from "../first-proof/prove.ts";
import { type FoundToken, whereTokenLive } from "../one-time-tokens/repository.ts";
import { PASSWORD_PURPOSES, readToken } from "../one-time-tokens/tokens.ts";
import { cacheEndedSessions } from "../sessions/cache.ts";
import { revokeSessions } from "../sessions/repository.ts";
import { resetPasswordHash } from "./repository.ts";
import { findPasswordFaults } from "./rules.ts";
import type { ResetPassword } from "./schema.ts";

/**
 * Sets a new password with the token of a reset, of an invitation or of a login with an expired password, and ends all sessions
 * of the user. A token works once. The token of an email also confirms its address. If that was not verified before, everything that
 * was set up in the account is voided (first-proof/prove.ts).
 * Throws `invalid_token`, `validation_failed`.
 */
export async function resetPassword(ctx: Context, input: ResetPassword): Promise<void> {
  const found = await checkReset(ctx, input);
  if (!found) throw new AppError("invalid_token");
  const hash = await hashPassword(input.password, ctx.config.password);
  const hasReset = await applyReset(ctx, found.token, found.tokenHash, hash);
  if (!hasReset) throw new AppError("invalid_token");
}

/** The token of a reset; undefined if it is unusable. Throws `validation_failed` if the new password is unacceptable. */
export async function checkReset(ctx: Context, input: Partial<ResetPassword>) {
  const found = input.token === undefined ? undefined : await findResetToken(ctx, input.token);
  const { password } = input;
  const faults = await findPasswordFaults(ctx, password, found?.token ?? {}, "password");
  if (found && password !== undefined && faults.length === 0) {
    faults.push(...(await findReuseFaults(ctx, password, found.token)));
  }
  requireNoFaults(faults);
  return found;
}

type ResetToken = FoundToken & { purpose: (typeof PASSWORD_PURPOSES)[number] };

async function findResetToken(ctx: Context, text: string) {
  const read = await readToken(ctx, text);
  const purpose = PASSWORD_PURPOSES.find((known) => known === read?.token.purpose);
  if (!read?.token.isActive || !purpose) return undefined;
  const { token, tokenHash } = read;
  if (toComparisonKey(token.address) !== token.emailKey) return undefined;
  return { token: { ...token, purpose }, tokenHash };
}

async function findReuseFaults(
  ctx: Context,
  password: string,
  { passwordExpired, passwordHash }: FoundToken,
): Promise<Fault[]> {
  if (!passwordExpired || !passwordHash) return [];
  if (!(await verifyPassword(password, passwordHash, ctx.config.password))) return [];
  const message = "Must not be the expired password.";
  return [{ path: "password", code: "unchanged", message }];
}

async function applyReset(
  ctx: Context,
  token: ResetToken,
  tokenHash: string,
  hash: string,
): Promise<boolean> {
  const { db } = ctx;
  const { userId, emailKey, dataKey, purpose } = token;
  const owner = { id: userId, email: token.email, dataKey };
  const event = await createAuditEvent(ctx, {
    action: "password.reset",
    targetType: "user",
    targetId: userId,
    metadata: { reason: purpose },
    origin: owner,
  });
  // Whoever has the link reads the mailbox. If nobody has proven that before, what was set up may be that of a stranger.
  const isFirstProof = purpose !== "expired_password" && !token.emailVerified;
  const firstProof = isFirstProof ? await planFirstProof(ctx, owner, purpose) : undefined;
  const isVisible = isFirstProof || token.passwordHash === null;
  const now = ctx.now();
  const notice = { userId, kind: "password_changed", address: token.email } as const;
  const reason = { reason: "password_reset", now } as const;
  const { changed, ended, mail } = await commit(ctx, {
    change: resetPasswordHash(
      db,
      { userId, emailKey, hash, verifiesEmail: isFirstProof, isVisible, now },
      whereTokenLive(tokenHash, purpose, now),
    ),
    event,
    furtherEvents: firstProof ? [firstProof.event] : [],
    effects: (recorded) => ({
      ...(firstProof?.voidUnproven(recorded) ?? {
        ended: revokeSessions(db, { userId }, reason, recorded),
        // A pending change of email was authorized with the old password, so it is voided.
        ...voidLinks(ctx, userId, [...PASSWORD_PURPOSES, "change_email"], recorded),
      }),
      // The user has proven who they are, so the lock-out ends.
      attempts: deleteAttempts(db, toAttemptKey(userId), recorded),
      mail: queueMail(ctx, firstProof?.notice ?? notice, recorded),
    }),
  });
  cacheEndedSessions(ctx, ended);
  deliverSoon(ctx, mail);
  return changed.length > 0;
}
