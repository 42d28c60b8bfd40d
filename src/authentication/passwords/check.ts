import { sql } from "drizzle-orm";
import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { countUnattributed, type UnattributedAction } from "../../audit/unattributed.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { dummyHash, verifyPassword } from "../../lib/password-hash.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import { beginAttempt, readAttempt, tooManyAttempts } from "../attempts/begin.ts";
import { type LoginIdentifier, selectUserId, toCounter } from "../attempts/identifier.ts";
import { type AttemptLimits, attemptLimits } from "../attempts/limits.ts";
import type { CountedAttempt } from "../attempts/repository.ts";
import { findLoginUser, type LoginUser } from "./repository.ts";

/** An account whose password was correct, and the attempt that was counted. The caller clears it on success. */
export interface CheckedPassword {
  user: LoginUser & { passwordHash: string };
  attempt: CountedAttempt;
}

/** What an attempt has just locked: its network or all networks for logins, or a session for changes that need a password. */
type Lockout = "network" | "account" | "session" | undefined;

/**
 * Checks a password for an account. The attempt is counted before the password is evaluated. An unknown name, a wrong password
 * and an account that cannot log in take the same work (OWASP ASVS 6.3.8). Throws `invalid_credentials`, `too_many_attempts`.
 */
export async function checkPassword(
  ctx: Context,
  identifier: LoginIdentifier,
  password: string,
): Promise<CheckedPassword> {
  const { attempt, lockout, user } = await countAndFind(ctx, identifier);
  const settings = ctx.config.password;
  const storedHash = user?.isActive ? user.passwordHash : null;
  const isCorrect = await verifyPassword(password, storedHash ?? dummyHash(settings), settings);
  if (isCorrect && user && storedHash !== null) {
    return { user: { ...user, passwordHash: storedHash }, attempt };
  }
  if (lockout) ctx.count("roster_lockouts_total", { scope: lockout });
  await (user ? recordFailure(ctx, user, lockout) : countFailure(ctx, lockout));
  throw new AppError("invalid_credentials");
}

async function countAndFind(ctx: Context, identifier: LoginIdentifier) {
  const limits = attemptLimits(ctx);
  const counter = await toCounter(ctx, identifier);
  const subjectId = sql`coalesce(${selectUserId(identifier)}, '')`;
  const sent = { counter, limits, subjectId };
  const { users, ...rows } = await ctx.d1.send({
    ...beginAttempt(ctx, sent),
    users: findLoginUser(ctx.db, identifier),
  });
  const attempt = readAttempt(sent, rows);
  if (!attempt) throw tooManyAttempts(sent, rows);
  return { attempt, lockout: toLockout(identifier, attempt, limits), user: users[0] };
}

function toLockout(
  { kind }: LoginIdentifier,
  { own, total }: { own: number; total: number },
  { limit, totalLimit }: AttemptLimits,
): Lockout {
  if (kind === "id") return own === limit ? "session" : undefined;
  if (total === totalLimit) return "account";
  return own === limit ? "network" : undefined;
}

async function recordFailure(ctx: Context, user: LoginUser, lockout: Lockout): Promise<void> {
  const target = { targetType: "user", targetId: user.id, origin: user } as const;
  const events = [await createAuditEvent(ctx, { action: "auth.login_failed", ...target })];
  if (lockout) {
    const metadata = { locked: lockout };
    events.push(await createAuditEvent(ctx, { action: "auth.locked_out", metadata, ...target }));
  }
  const kind = lockout === "session" ? "session_locked" : "account_locked";
  const notice = { userId: user.id, kind, address: user.email } as const;
  const { mail } = await recordEvents(ctx, events, {
    mail: lockout !== undefined && queueMail(ctx, notice, sql`true`),
  });
  deliverSoon(ctx, mail);
}

// Nobody has the name, so there is nobody whose audit trail could contain the failure.
async function countFailure(ctx: Context, lockout: Lockout): Promise<void> {
  const count = (action: UnattributedAction) => countUnattributed(ctx, action);
  await ctx.d1.send({
    failed: count("auth.login_failed"),
    locked: lockout !== undefined && count("auth.locked_out"),
  });
}
