import type { z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { UserPrincipal } from "../../access/principal.ts";
import { findUser } from "../../accounts/users/repository.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { mintDataKey, type Person } from "../../lib/data-key.ts";
import { hashPassword, needsRehash } from "../../lib/password-hash.ts";
import { normalizeEmail, normalizeUsername, toComparisonKey } from "../../lib/text.ts";
import { deliverSoon, queueMail } from "../../outbox/deliver.ts";
import type { LoginIdentifier } from "../attempts/identifier.ts";
import { deleteLoginAttempts } from "../attempts/repository.ts";
import { checkPassword, type LoginUser } from "../passwords/check.ts";
import { publishEnded, publishSession, toPrincipal } from "../sessions/principal.ts";
import {
  evictSessions,
  findSession,
  findSessionAuthority,
  insertSession,
  isUnknownDevice,
} from "../sessions/repository.ts";
import type { Tokens } from "../sessions/schema.ts";
import { issueTokens, newSession } from "../sessions/tokens.ts";
import { resendVerification } from "../verification/verify.ts";
import { isLoginStillValid, recordLogin } from "./repository.ts";
import type { Login } from "./schema.ts";

/** Checks a password and begins a session. Throws `invalid_credentials`, `too_many_attempts`. */
export async function logIn(ctx: Context, input: Login): Promise<z.infer<typeof Tokens>> {
  const { user, attemptKey } = await checkPassword(ctx, toIdentifier(input), input.password);
  await requireVerifiedEmail(ctx, user, attemptKey);
  const settings = ctx.config.password;
  const newHash = needsRehash(user.passwordHash, settings)
    ? await hashPassword(input.password, settings)
    : undefined;
  return beginSession(ctx, user, attemptKey, newHash);
}

/** The user of a session, and the session. */
export async function getMe(ctx: Context, principal: UserPrincipal) {
  const [[user], [session]] = await ctx.db.batch([
    findUser(ctx.db, principal.userId),
    findSession(ctx.db, principal.sessionId),
  ]);
  const isLive = user?.isActive && user.deletedAt === null && session?.revokedAt === null;
  if (!isLive) throw new AppError("unauthenticated");
  return { user, session };
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
  const dataKey = user.dataKey ?? (await mintDataKey(user.id, ctx.config.dataKeys));
  const person: Person = { id: user.id, dataKey };
  const event = await createAuditEvent(ctx, {
    action: "auth.login_succeeded",
    targetType: "user",
    targetId: user.id,
    changes: { session_id: { from: null, to: session.id } },
    actor: { type: "user", id: user.id },
    origin: person,
  });
  const eviction = await createAuditEvent(ctx, {
    action: "session.revoked",
    targetType: "user",
    targetId: user.id,
    changes: { session_id: { from: "least recently used", to: null } },
    actor: { type: "system", id: null },
  });
  const recorded = ifRecorded(event.id);
  const notice = { userId: user.id, kind: "new_sign_in", address: user.email } as const;
  const [, , , , evicted, , [started], queued] = await db.batch([
    insertSession(db, session, isLoginStillValid(user.id, user.passwordVersion)),
    insertAuditEvent(db, event, ifChanged),
    recordLogin(db, { userId: user.id, now, passwordHash: newHash, dataKey }, recorded),
    deleteLoginAttempts(db, attemptKey, recorded),
    evictSessions(db, user.id, ctx.config.session.limit, now),
    insertAuditEvent(db, eviction, ifChanged),
    findSessionAuthority(db, session.id),
    queueMail(ctx, notice, sql`${recorded} AND ${isUnknownDevice(session)}`),
  ]);
  publishEnded(ctx, evicted);
  deliverSoon(ctx, queued);
  const principal = toPrincipal(started, now);
  if (!principal) throw new AppError("invalid_credentials");
  publishSession(ctx, principal);
  return issueTokens(ctx, principal, { generation: 1, expiresAt: session.expiresAt });
}

// Whoever knows the password may know this too; the link is sent to them again.
async function requireVerifiedEmail(
  ctx: Context,
  user: LoginUser,
  attemptKey: string,
): Promise<void> {
  if (user.emailVerified || !ctx.config.loginRequiresVerifiedEmail) return;
  await deleteLoginAttempts(ctx.db, attemptKey, sql`true`);
  await resendVerification(ctx, user.id);
  throw new AppError("email_not_verified");
}

// A username cannot hold an @, so a name with one is an email in whichever field it came.
function toIdentifier({ username, email }: Login): LoginIdentifier {
  const name = username ?? email ?? "";
  return name.includes("@")
    ? { kind: "email", key: toComparisonKey(normalizeEmail(name)) }
    : { kind: "username", key: toComparisonKey(normalizeUsername(name)) };
}
