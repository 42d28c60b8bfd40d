import type { SQL } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import type { Statement } from "../../db/statement.ts";
import { AppError, invalidField, requireNoFaults } from "../../errors.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks } from "../../outbox/queue.ts";
import { deleteAttempts } from "../attempts/repository.ts";
import { PASSWORD_PURPOSES } from "../one-time-tokens/tokens.ts";
import { cacheEndedSessions } from "../sessions/cache.ts";
import { revokeSessions } from "../sessions/repository.ts";
import { type CheckedPassword, checkPassword } from "./check.ts";
import { updatePassword } from "./repository.ts";
import { findPasswordFaults } from "./rules.ts";
import type { ChangePassword } from "./schema.ts";

/**
 * Changes the caller's password after checking the new one and the current one, and ends all their other sessions. Wrong current
 * passwords are limited per session. Throws `invalid_credentials`, `too_many_attempts`, `validation_failed`.
 */
export async function changePassword(ctx: Context, input: ChangePassword): Promise<void> {
  const acting = await checkNewPassword(ctx, input);
  const { userId, sessionId } = requirePerson(acting);
  const identifier = { kind: "id", key: userId, sessionId } as const;
  const checked = await checkPassword(acting, identifier, input.current_password);
  await requireOtherPassword(acting, input, checked);
  const hash = await hashPassword(input.new_password, ctx.config.password);
  if (await replaceOwnPassword(acting, checked, hash)) return;
  // Either the session has ended, or another request has changed the password.
  await read(ctx, {});
  throw new AppError("invalid_credentials");
}

/**
 * The caller. Throws `validation_failed` if the new password is unacceptable, before the current one is checked, so that no
 * attempt is counted.
 */
export async function checkNewPassword(
  ctx: Context,
  { new_password }: Partial<ChangePassword>,
): Promise<Acting> {
  const { acting, account } = await read(ctx, {});
  requirePerson(acting);
  requireNoFaults(await findPasswordFaults(ctx, new_password, account, "new_password"));
  return acting;
}

async function replaceOwnPassword(
  acting: Acting,
  { user, attempt }: CheckedPassword,
  hash: string,
): Promise<boolean> {
  const { db } = acting;
  const password = { userId: user.id, version: user.passwordVersion, hash };
  const changed = await commitPassword(acting, user, {
    change: updatePassword(db, password, whereAuthorized(acting, {})),
    kind: "password_changed",
    effects: (recorded) => ({ attempts: deleteAttempts(db, attempt.key, recorded) }),
  });
  return changed !== undefined;
}

interface PasswordChange {
  change: Statement<{ id: string }[]>;
  /** The email that tells the owner. */
  kind: "password_changed" | "password_set" | "password_removed";
  effects?: (recorded: SQL) => Statements;
}

/**
 * Commits a change of the caller's password with all that follows from it: their other sessions end, pending links are void, and they
 * are told. Undefined if nothing has changed.
 */
export async function commitPassword(
  acting: Acting,
  { email }: { email: string },
  { change, kind, effects }: PasswordChange,
): Promise<{ id: string } | undefined> {
  const { userId, sessionId: keepSessionId } = requirePerson(acting);
  const notice = { userId, kind, address: email } as const;
  const reason = { reason: "password_changed", now: acting.now() } as const;
  const { changed, ended, mail } = await commit(acting, {
    change,
    event: await createAuditEvent(acting, {
      action: "password.changed",
      targetType: "user",
      targetId: userId,
      ...(kind !== "password_changed" && { metadata: { reason: kind } }),
    }),
    effects: (recorded) => ({
      ended: revokeSessions(acting.db, { userId, keepSessionId }, reason, recorded),
      mail: queueMail(acting, notice, recorded),
      // A pending change of email was authorized with the old password, so it is voided.
      ...voidLinks(acting, userId, [...PASSWORD_PURPOSES, "change_email"], recorded),
      ...effects?.(recorded),
    }),
  });
  cacheEndedSessions(acting, ended);
  deliverSoon(acting, mail);
  return changed[0];
}

// The current password was correct, so refusing the new one must not count as a failed login.
async function requireOtherPassword(
  ctx: Context,
  { current_password, new_password }: ChangePassword,
  { user, attempt }: CheckedPassword,
): Promise<void> {
  if (!user.passwordExpired || new_password !== current_password) return;
  await ctx.d1.send({ forgotten: deleteAttempts(ctx.db, attempt.key) });
  throw invalidField("new_password", "unchanged", "Must not be the expired password.");
}
