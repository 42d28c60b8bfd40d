import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { computeMacText, firstKey } from "../../lib/mac.ts";
import { dummyHash, verifyPassword } from "../../lib/password-hash.ts";
import { SECOND } from "../../lib/time.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, whereMailMayBeRequested } from "../../outbox/queue.ts";
import type { LoginIdentifier } from "../attempts/identifier.ts";
import { countLoginAttempt, findLoginAttempts } from "../attempts/repository.ts";
import { findLoginUser, type LoginUser } from "./repository.ts";

/** An account whose password was correct, and the key under which the attempt was counted. The caller deletes the count on success. */
export interface CheckedPassword {
  user: LoginUser & { passwordHash: string };
  attemptKey: string;
}

/**
 * Checks a password for an account. The attempt is counted before the password is evaluated. An unknown name, a wrong password
 * and an account that cannot log in take the same work (OWASP ASVS 6.3.8). Throws `invalid_credentials`, `too_many_attempts`.
 */
export async function checkPassword(
  ctx: Context,
  identifier: LoginIdentifier,
  password: string,
): Promise<CheckedPassword> {
  const { key, count, user } = await beginAttempt(ctx, identifier);
  const settings = ctx.config.password;
  const storedHash = user?.isActive ? user.passwordHash : null;
  const isCorrect = await verifyPassword(password, storedHash ?? dummyHash(settings), settings);
  if (isCorrect && user && storedHash !== null) {
    return { user: { ...user, passwordHash: storedHash }, attemptKey: key };
  }
  await recordFailure(ctx, user, count);
  throw new AppError("invalid_credentials");
}

async function beginAttempt(ctx: Context, identifier: LoginIdentifier) {
  const { limit, windowMs } = ctx.config.loginAttempts;
  const now = ctx.now();
  const unknownKey = await unknownAttemptKey(ctx, identifier);
  const { counted, stored, users } = await ctx.d1.send({
    counted: countLoginAttempt(ctx.db, identifier, { unknownKey, now, windowMs, limit }),
    stored: findLoginAttempts(ctx.db, identifier, unknownKey),
    users: findLoginUser(ctx.db, identifier),
  });
  const [attempt] = counted;
  if (!attempt) {
    const [oldest = now] = JSON.parse(stored[0]?.attempts ?? "[]") as number[];
    const retryAfterSeconds = Math.max(1, Math.ceil((oldest + windowMs - now) / SECOND));
    throw new AppError("too_many_attempts", {
      headers: { "Retry-After": String(retryAfterSeconds) },
    });
  }
  const { length: count } = JSON.parse(attempt.attempts) as number[];
  return { key: attempt.key, count, user: users[0] };
}

async function recordFailure(
  ctx: Context,
  user: LoginUser | undefined,
  count: number,
): Promise<void> {
  const target = { targetType: "user", targetId: user?.id ?? null, origin: user } as const;
  const isLockedNow = count >= ctx.config.loginAttempts.limit;
  const events = [await createAuditEvent(ctx, { action: "auth.login_failed", ...target })];
  if (isLockedNow) {
    events.push(await createAuditEvent(ctx, { action: "auth.locked_out", ...target }));
  }
  const notice =
    user && ({ userId: user.id, kind: "account_locked", address: user.email } as const);
  const { mail } = await recordEvents(ctx, events, {
    mail: isLockedNow && notice && queueMail(ctx, notice, whereMailMayBeRequested(ctx, notice)),
  });
  deliverSoon(ctx, mail);
}

// A keyed hash, because people type passwords as names by mistake, and those could be guessed from a plain hash.
async function unknownAttemptKey(ctx: Context, { key }: LoginIdentifier): Promise<string> {
  return `unknown:${await computeMacText(firstKey(ctx.config.macKeys), "unknown login v1", key)}`;
}
