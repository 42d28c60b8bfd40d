import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { mintLoginToken } from "../../lib/login-token.ts";
import { computeMacText, firstKey } from "../../lib/mac.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { SECOND } from "../../lib/time.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { MAILS_PER_HOUR, queueNewLink, requireMail } from "../../outbox/queue.ts";
import { tokenTtlSeconds } from "../one-time-tokens/tokens.ts";
import { findResettableUser } from "../passwords/repository.ts";
import { findLogin, upsertLogin, whereLatest } from "./repository.ts";
import type { PendingLogin, RequestEmailLogin } from "./schema.ts";

const ADDRESS_HASH_BYTES = 18;

/** Throws `not_found` unless people can log in by email. */
export function requireEmailLogin({ config }: Pick<Context, "config">): void {
  if (!config.hasEmailLogin) throw new AppError("not_found");
}

/**
 * Sends a link and a code that log in to an address if an active user has it: at most one email per minute and five per hour. Any
 * other request sends nothing and returns the token of the latest login, or, once that has expired, a token that logs nobody in. Does
 * the same work and has the same result for every address. Throws `not_found` and `mail_not_configured`.
 */
export async function requestEmailLogin(
  ctx: Context,
  { email, locale }: RequestEmailLogin,
): Promise<PendingLogin> {
  requireEmailLogin(ctx);
  requireMail(ctx);
  const emailKey = toComparisonKey(email);
  const { users } = await ctx.d1.send({ users: findResettableUser(ctx.db, emailKey) });
  const [user] = users;
  const login = { ...(await createLogin(ctx, emailKey)), userId: user?.id ?? null };
  const { addressHash, loginId } = login;
  // The email has the id of the login, from which its link and code are derived.
  const kind = "email_login";
  const address = user?.email ?? email;
  const mail = { id: loginId, userId: user?.id ?? newId(), kind, address, locale } as const;
  const whereNew = sql`${Number(user !== undefined)} AND ${whereLatest(login)}`;
  const { mail: queued, latest } = await ctx.d1.send({
    requested: upsertLogin(ctx.db, login, MAILS_PER_HOUR),
    ...queueNewLink(ctx, mail, whereNew),
    latest: findLogin(ctx.db, addressHash),
  });
  deliverSoon(ctx, queued);
  const pending = latest.find(({ expiresAt }) => expiresAt > ctx.now()) ?? login;
  const claims = { addressHash, loginId: pending.loginId, expiresAt: pending.expiresAt };
  return {
    loginToken: await mintLoginToken(claims, ctx.config.macKeys),
    expiresInSeconds: Math.ceil((pending.expiresAt - ctx.now()) / SECOND),
  };
}

// Addresses that nobody has are stored, too, for the hours until they expire, but never in clear.
async function createLogin({ config, now }: Context, emailKey: string) {
  const key = firstKey(config.macKeys);
  return {
    addressHash: await computeMacText(key, "email login v1", emailKey, ADDRESS_HASH_BYTES),
    loginId: newId(),
    requestedAt: now(),
    expiresAt: now() + tokenTtlSeconds("email_login") * SECOND,
  };
}
