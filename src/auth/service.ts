import type { z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { ifChanged, ifRecorded, insertAuditEvent } from "../audit/repository.ts";
import { createAuditEvent } from "../audit/service.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { toBase64Url, utf8 } from "../lib/bytes.ts";
import { dummyHash, hashPassword, needsRehash, verifyPassword } from "../lib/password-hash.ts";
import type { UserPrincipal } from "../lib/principal.ts";
import { normalizeEmail, normalizeUsername, toComparisonKey } from "../lib/text.ts";
import { SECOND } from "../lib/time.ts";
import { publishEnded, publishSession } from "../sessions/principal.ts";
import { evictSessions, findSession, insertSession } from "../sessions/repository.ts";
import type { Tokens } from "../sessions/schema.ts";
import { issueTokens, newSession } from "../sessions/tokens.ts";
import { findUser } from "../users/repository.ts";
import {
  countLoginAttempt,
  deleteLoginAttempts,
  findLoginAttempts,
  findLoginUser,
  isLoginStillValid,
  type LoginIdentifier,
  recordLogin,
} from "./repository.ts";
import type { Login } from "./schema.ts";

type LoginUser = Awaited<ReturnType<typeof findLoginUser>>[number];

/**
 * Checks a password and begins a session. The attempt is counted before the password is looked at, and the work is the
 * same for an unknown name, a wrong password and an account that cannot log in (OWASP ASVS 6.3.8).
 * Throws `invalid_credentials`, `too_many_attempts`.
 */
export async function logIn(ctx: Context, input: Login): Promise<z.infer<typeof Tokens>> {
  const identifier = toIdentifier(input);
  const { attempt, user } = await beginAttempt(ctx, identifier);
  const settings = ctx.config.password;
  const storedHash = user?.isActive ? user.passwordHash : dummyHash(settings);
  const isRight = await verifyPassword(input.password, storedHash, settings);
  if (!isRight || !user) {
    await recordFailure(ctx, user, attempt.count);
    throw new AppError("invalid_credentials");
  }
  const newHash = needsRehash(storedHash, settings)
    ? await hashPassword(input.password, settings)
    : undefined;
  return beginSession(ctx, user, attempt.key, newHash);
}

/** The user of a session, and the session. */
export async function getMe(ctx: Context, principal: UserPrincipal) {
  const [[user], [session]] = await ctx.db.batch([
    findUser(ctx.db, principal.userId),
    findSession(ctx.db, principal.sessionId),
  ]);
  if (!user || !session || user.deletedAt !== null) throw new AppError("unauthenticated");
  return { user, session };
}

async function beginAttempt(ctx: Context, identifier: LoginIdentifier) {
  const { limit, windowMs } = ctx.config.loginAttempts;
  const now = ctx.now();
  const unknownKey = await unknownAttemptKey(identifier);
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
  const count = (JSON.parse(counted.attempts) as number[]).length;
  return { attempt: { key: counted.key, count }, user };
}

async function recordFailure(
  ctx: Context,
  user: LoginUser | undefined,
  count: number,
): Promise<void> {
  const target = { targetType: "user", targetId: user?.id ?? null } as const;
  const isLockedNow = count >= ctx.config.loginAttempts.limit;
  const failed = createAuditEvent(ctx, { action: "auth.login_failed", ...target });
  const lockedOut = createAuditEvent(ctx, { action: "auth.locked_out", ...target });
  await ctx.db.batch([
    insertAuditEvent(ctx.db, failed, sql`true`),
    insertAuditEvent(ctx.db, lockedOut, isLockedNow ? sql`true` : sql`false`),
  ]);
}

async function beginSession(
  ctx: Context,
  user: LoginUser,
  attemptKey: string,
  newHash: string | undefined,
): Promise<z.infer<typeof Tokens>> {
  const { db } = ctx;
  const now = ctx.now();
  const session = newSession(ctx, user.id);
  const event = createAuditEvent(ctx, {
    action: "auth.login_succeeded",
    targetType: "user",
    targetId: user.id,
    changes: { session_id: { from: null, to: session.id } },
    actor: { type: "user", id: user.id },
  });
  const recorded = ifRecorded(event.id);
  const [started, , , , evicted] = await db.batch([
    insertSession(db, session, isLoginStillValid(user.id, user.passwordHash)),
    insertAuditEvent(db, event, ifChanged),
    recordLogin(db, { userId: user.id, now, passwordHash: newHash }, recorded),
    deleteLoginAttempts(db, attemptKey, recorded),
    evictSessions(db, user.id, ctx.config.session.limit, now),
  ]);
  if (started.length === 0) throw new AppError("invalid_credentials");
  publishEnded(ctx, evicted);
  const { role, permissions } = user;
  const principal: UserPrincipal = {
    type: "user",
    sessionId: session.id,
    userId: user.id,
    role,
    permissions,
  };
  publishSession(ctx, principal);
  return issueTokens(ctx, principal, { generation: 1, expiresAt: session.expiresAt });
}

// A username cannot hold an @, so a name with one is an email in whichever field it came.
function toIdentifier({ username, email }: Login): LoginIdentifier {
  const name = username ?? email ?? "";
  return name.includes("@")
    ? { kind: "email", key: toComparisonKey(normalizeEmail(name)) }
    : { kind: "username", key: toComparisonKey(normalizeUsername(name)) };
}

// Hashed, because what people type there by mistake includes other people's names and passwords.
async function unknownAttemptKey({ key }: LoginIdentifier): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", utf8(key));
  return `unknown:${toBase64Url(new Uint8Array(digest))}`;
}
