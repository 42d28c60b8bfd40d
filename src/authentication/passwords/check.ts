import { sql } from "drizzle-orm";
import { createAuditEvent } from "../../audit/events.ts";
import { insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { toBase64Url, utf8 } from "../../lib/bytes.ts";
import { dummyHash, verifyPassword } from "../../lib/password-hash.ts";
import { SECOND } from "../../lib/time.ts";
import { deliverSoon, mayAskForMail, queueMail } from "../../outbox/deliver.ts";
import type { LoginIdentifier } from "../attempts/identifier.ts";
import { countLoginAttempt, findLoginAttempts } from "../attempts/repository.ts";
import { findLoginUser } from "../login/repository.ts";

export type LoginUser = Awaited<ReturnType<typeof findLoginUser>>[number];

/**
 * Checks a password for an account. The attempt is counted before the password is looked at, and the work is the same for
 * an unknown name, a wrong password and an account that cannot log in (OWASP ASVS 6.3.8). The key under which it was counted
 * is for whoever makes a success of it. Throws `invalid_credentials`, `too_many_attempts`.
 */
export async function checkPassword(
  ctx: Context,
  identifier: LoginIdentifier,
  password: string,
): Promise<{ user: LoginUser; attemptKey: string }> {
  const { key, count, user } = await beginAttempt(ctx, identifier);
  const settings = ctx.config.password;
  const storedHash = user?.isActive ? user.passwordHash : dummyHash(settings);
  const isRight = await verifyPassword(password, storedHash, settings);
  if (isRight && user) return { user, attemptKey: key };
  await recordFailure(ctx, user, count);
  throw new AppError("invalid_credentials");
}

async function beginAttempt(ctx: Context, identifier: LoginIdentifier) {
  const { limit, windowMs } = ctx.config.loginAttempts;
  const now = ctx.now();
  const unknownKey = await unknownAttemptKey(ctx, identifier);
  const [[counted], [stored], [user]] = await ctx.db.batch([
    countLoginAttempt(ctx.db, identifier, { unknownKey, now, windowMs, limit }),
    findLoginAttempts(ctx.db, identifier, unknownKey),
    findLoginUser(ctx.db, identifier),
  ]);
  if (!counted) {
    const [oldest = now] = JSON.parse(stored?.attempts ?? "[]") as number[];
    const retryAfter = Math.max(1, Math.ceil((oldest + windowMs - now) / SECOND));
    throw new AppError("too_many_attempts", { headers: { "Retry-After": String(retryAfter) } });
  }
  return { key: counted.key, count: (JSON.parse(counted.attempts) as number[]).length, user };
}

async function recordFailure(
  ctx: Context,
  user: LoginUser | undefined,
  count: number,
): Promise<void> {
  const target = { targetType: "user", targetId: user?.id ?? null, origin: user } as const;
  const isLockedNow = count >= ctx.config.loginAttempts.limit;
  const failed = await createAuditEvent(ctx, { action: "auth.login_failed", ...target });
  const lockedOut = await createAuditEvent(ctx, { action: "auth.locked_out", ...target });
  const isLocked = isLockedNow ? sql`true` : sql`false`;
  const notice = {
    userId: user?.id ?? "",
    kind: "account_locked",
    address: user?.email ?? "",
  } as const;
  const [, , queued] = await ctx.db.batch([
    insertAuditEvent(ctx.db, failed, sql`true`),
    insertAuditEvent(ctx.db, lockedOut, isLocked),
    queueMail(ctx, notice, sql`${isLocked} AND ${mayAskForMail(ctx, notice)}`),
  ]);
  deliverSoon(ctx, queued);
}

// Under a key, because what people type there by mistake includes passwords, which could be guessed from a plain hash.
async function unknownAttemptKey(ctx: Context, { key }: LoginIdentifier): Promise<string> {
  const [macKey] = ctx.config.macKeys;
  if (!macKey) throw new Error("no MAC key");
  const name = utf8(`roster unknown login v1\n${key}`);
  return `unknown:${toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", macKey, name)))}`;
}
