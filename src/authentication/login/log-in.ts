import { sql } from "drizzle-orm";
import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { hashPassword, needsRehash } from "../../lib/password-hash.ts";
import { normalizeEmail, normalizeUsername, toComparisonKey } from "../../lib/text.ts";
import type { LoginName } from "../attempts/identifier.ts";
import { clearAttempts } from "../attempts/repository.ts";
import { mintToken, tokenTtlSeconds } from "../one-time-tokens/tokens.ts";
import { type CheckedPassword, checkPassword } from "../passwords/check.ts";
import { wherePasswordInForce } from "../passwords/repository.ts";
import { beginSession } from "../sessions/begin.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import { sendVerificationAgain } from "../verification/resend.ts";
import type { Login } from "./schema.ts";

/**
 * Checks a password and starts a session. Throws `invalid_credentials`, `too_many_attempts`, `email_not_verified`, and
 * `password_expired` with a token that sets a new password.
 */
export async function logIn(ctx: Context, input: Login): Promise<TokenSet> {
  try {
    return await checkAndBegin(ctx, input);
  } catch (error) {
    if (error instanceof AppError) ctx.count("roster_logins_total", { result: error.code });
    throw error;
  }
}

async function checkAndBegin(ctx: Context, input: Login): Promise<TokenSet> {
  const checked = await checkPassword(ctx, toIdentifier(input), input.password);
  await requireVerifiedEmail(ctx, checked);
  await requireUnexpiredPassword(ctx, checked);
  const { user, attempt } = checked;
  const settings = ctx.config.password;
  const isOutdated = needsRehash(user.passwordHash, settings);
  return beginSession(ctx, {
    owner: user,
    proof: wherePasswordInForce(user.id, user.passwordVersion),
    passwordHash: isOutdated ? await hashPassword(input.password, settings) : undefined,
    effects: (recorded) => ({ attempts: clearAttempts(ctx.db, attempt, recorded) }),
  });
}

// The password was correct, so this reveals nothing to others. The verification link is sent again.
async function requireVerifiedEmail(ctx: Context, checked: CheckedPassword): Promise<void> {
  const { user } = checked;
  if (user.emailVerified || !ctx.config.loginRequiresVerifiedEmail) return;
  await recordRefusal(ctx, checked, "email_not_verified");
  await sendVerificationAgain(ctx, user);
  throw new AppError("email_not_verified");
}

// The password was correct, so its owner gets a token to replace it.
async function requireUnexpiredPassword(ctx: Context, checked: CheckedPassword): Promise<void> {
  const { user } = checked;
  if (!user.passwordExpired) return;
  const purpose = "expired_password";
  const request = { userId: user.id, purpose, address: user.email, mailId: newId() } as const;
  const whereInForce = wherePasswordInForce(user.id, user.passwordVersion);
  const token = await mintToken(ctx, request, whereInForce);
  if (!token) throw new AppError("invalid_credentials");
  await recordRefusal(ctx, checked, "password_expired");
  throw new AppError("password_expired", {
    extensions: { reset_token: token, expires_in: tokenTtlSeconds(purpose) },
  });
}

// Whoever sent the request knows the password, so the attempt is no failure. The owner can see it in the audit trail.
async function recordRefusal(
  ctx: Context,
  { user, attempt }: CheckedPassword,
  reason: string,
): Promise<void> {
  const event = await createAuditEvent(ctx, {
    action: "auth.login_failed",
    targetType: "user",
    targetId: user.id,
    metadata: { reason },
    origin: user,
  });
  await recordEvents(ctx, [event], { cleared: clearAttempts(ctx.db, attempt, sql`true`) });
}

// A username cannot contain an @, so a name with one is an email, whichever field it was sent in.
function toIdentifier({ username, email }: Login): LoginName {
  const name = username ?? email ?? "";
  return name.includes("@")
    ? { kind: "email", key: toComparisonKey(normalizeEmail(name)) }
    : { kind: "username", key: toComparisonKey(normalizeUsername(name)) };
}
