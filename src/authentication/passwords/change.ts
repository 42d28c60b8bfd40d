import { sql } from "drizzle-orm";
import { authorize, findStanding, whereAuthorized } from "../../access/conditions.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { requireStanding } from "../../access/require.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { hashPassword } from "../../lib/password-hash.ts";
import { deliverSoon, queueMail, voidLinks } from "../../outbox/deliver.ts";
import { deleteLoginAttempts } from "../attempts/repository.ts";
import { updatePassword } from "../login/repository.ts";
import type { ChangePassword } from "../login/schema.ts";
import { publishEnded } from "../sessions/principal.ts";
import { revokeSessions } from "../sessions/repository.ts";
import { checkPassword, type LoginUser } from "./check.ts";
import { requireAcceptablePassword } from "./rules.ts";

/**
 * Changes one's own password after checking the current one, and ends every other session. A wrong current password counts
 * as a failed login. Throws `invalid_credentials`, `too_many_attempts`, `validation_failed`.
 */
export async function changePassword(
  ctx: Context,
  principal: UserPrincipal,
  input: ChangePassword,
): Promise<void> {
  const { userId, sessionId } = principal;
  const { user, attemptKey } = await checkPassword(
    ctx,
    { kind: "id", key: userId },
    input.current_password,
  );
  await requireNewPassword(ctx, input.new_password, user, attemptKey);
  const newHash = await hashPassword(input.new_password, ctx.config.password);
  const { db } = ctx;
  const now = ctx.now();
  const event = await createAuditEvent(ctx, {
    action: "password.changed",
    targetType: "user",
    targetId: userId,
  });
  const recorded = ifRecorded(event.id);
  const may = authorize(principal, { permissions: [], roles: [], now });
  const [changed, , ended, , [standing], queued] = await db.batch([
    updatePassword(
      db,
      { userId, version: user.passwordVersion, hash: newHash },
      whereAuthorized(may),
    ),
    insertAuditEvent(db, event, ifChanged),
    revokeSessions(
      db,
      { userId, keepSessionId: sessionId },
      { reason: "password_changed", now },
      recorded,
    ),
    deleteLoginAttempts(db, attemptKey, recorded),
    findStanding(db, may),
    queueMail(ctx, { userId, kind: "password_changed", address: user.email }, recorded),
    // A change of email that somebody began with the old password ends with it.
    ...voidLinks(ctx, userId, ["reset_password", "change_email"], recorded),
  ]);
  publishEnded(ctx, ended);
  deliverSoon(ctx, queued);
  if (changed.length > 0) return;
  requireStanding(standing);
  throw new AppError("invalid_credentials");
}

// The current password was right, so a new one that is refused makes no failed login of it.
async function requireNewPassword(
  ctx: Context,
  password: string,
  user: LoginUser,
  attemptKey: string,
): Promise<void> {
  try {
    await requireAcceptablePassword(ctx, password, user, "new_password");
  } catch (error) {
    await deleteLoginAttempts(ctx.db, attemptKey, sql`true`);
    throw error;
  }
}
