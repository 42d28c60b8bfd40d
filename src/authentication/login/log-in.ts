import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { hashPassword, needsRehash } from "../../lib/password-hash.ts";
import { normalizeEmail, normalizeUsername, toComparisonKey } from "../../lib/text.ts";
import type { LoginName } from "../attempts/identifier.ts";
import { clearAttempts } from "../attempts/repository.ts";
import { mintToken, tokenTtlSeconds } from "../one-time-tokens/tokens.ts";
import { checkPassword } from "../passwords/check.ts";
import { type LoginUser, wherePasswordInForce } from "../passwords/repository.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import { finishFirstFactor } from "./gate.ts";
import { recordRefusal, requireVerifiedEmail } from "./refusals.ts";
import type { Login } from "./schema.ts";

/**
 * Checks a password and starts a session. Throws `invalid_credentials`, `too_many_attempts`, `email_not_verified`,
 * `password_expired` with a token that sets a new password, and `mfa_required` or `mfa_enrollment_required` with one for the next
 * step.
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
  const { user, attempt } = checked;
  const cleared = { cleared: clearAttempts(ctx.db, attempt, sql`true`) };
  await requireVerifiedEmail(ctx, user, cleared);
  await requireUnexpiredPassword(ctx, user, cleared);
  const settings = ctx.config.password;
  const isOutdated = needsRehash(user.passwordHash, settings);
  return finishFirstFactor(ctx, {
    owner: user,
    proofs: { pwd: ctx.now() },
    passwordHash: isOutdated ? await hashPassword(input.password, settings) : undefined,
    effects: (recorded) => ({ attempts: clearAttempts(ctx.db, attempt, recorded) }),
  });
}

// The password was correct, so its owner gets a token to replace it.
async function requireUnexpiredPassword(
  ctx: Context,
  user: LoginUser,
  effects: Statements,
): Promise<void> {
  if (!user.passwordExpired) return;
  const purpose = "expired_password";
  const request = { userId: user.id, purpose, address: user.email, mailId: newId() } as const;
  const whereInForce = wherePasswordInForce(user.id, user.passwordVersion);
  const token = await mintToken(ctx, request, whereInForce);
  if (!token) throw new AppError("invalid_credentials");
  await recordRefusal(ctx, user, "password_expired", effects);
  throw new AppError("password_expired", {
    extensions: { reset_token: token.text, expires_in: tokenTtlSeconds(purpose) },
  });
}

// A username cannot contain an @, so a name with one is an email, whichever field it was sent in.
function toIdentifier({ username, email }: Login): LoginName {
  const name = username ?? email ?? "";
  return name.includes("@")
    ? { kind: "email", key: toComparisonKey(normalizeEmail(name)) }
    : { kind: "username", key: toComparisonKey(normalizeUsername(name)) };
}
