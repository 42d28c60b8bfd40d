import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { HOUR, SECOND } from "../../lib/time.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import {
  queueMail,
  voidLinks,
  whereMailMayBeSent,
  whereUserMayRequestMail,
} from "../../outbox/queue.ts";
import { forgetAttempts } from "../attempts/repository.ts";
import { checkPassword } from "../passwords/check.ts";
import { wherePasswordInForce } from "../passwords/repository.ts";
import { findUserByEmail } from "./repository.ts";
import type { ChangeEmail } from "./schema.ts";

/**
 * Begins a change of one's own email after checking the password: the new address must confirm, the old one is told.
 * Throws `invalid_credentials`, `too_many_attempts`, `email_taken`, and `rate_limited` past five changes per hour.
 */
export async function changeEmail(ctx: Context, input: ChangeEmail): Promise<void> {
  const { acting } = await read(ctx, {});
  const { userId } = requirePerson(acting);
  const identifier = { kind: "id", key: userId } as const;
  const { user, attemptKey } = await checkPassword(acting, identifier, input.current_password);
  const { holders } = await ctx.d1.send({
    forgotten: forgetAttempts(ctx.db, attemptKey),
    holders: findUserByEmail(ctx.db, toComparisonKey(input.email)),
  });
  const [holder] = holders;
  if (holder && holder.id !== userId) throw new AppError("email_taken");
  // The password that was checked may have been changed since, and with it who may speak for the account.
  const inForce = wherePasswordInForce(userId, user.passwordVersion);
  const authorized = sql`${whereAuthorized(acting, {})} AND ${inForce}`;
  const hasBegun = await beginChange(acting, user, input.email, authorized);
  if (hasBegun || !ctx.sendMail) return;
  await read(ctx, {});
  await requireStillInForce(ctx, inForce);
  throw tooManyChanges();
}

async function beginChange(
  acting: Acting,
  user: { id: string; email: string },
  address: string,
  authorized: SQL,
): Promise<boolean> {
  const userId = user.id;
  const request = { userId, kind: "change_email", address } as const;
  const notice = { userId, kind: "email_change_notice", address: user.email } as const;
  const withinLimits = sql`${whereMailMayBeSent(acting, request)} AND ${whereUserMayRequestMail(acting, request)}`;
  const condition = sql`${authorized} AND ${withinLimits}`;
  const { mail } = await acting.d1.send({
    ...voidLinks(acting, userId, ["change_email"], condition),
    notice: queueMail(acting, notice, condition),
    mail: queueMail(acting, request, condition),
  });
  deliverSoon(acting, mail);
  return mail.length > 0;
}

async function requireStillInForce(ctx: Context, inForce: SQL): Promise<void> {
  const { checked } = await ctx.d1.send({
    checked: ctx.db
      .select({ inForce: inForce.mapWith(Boolean).as("in_force") })
      .from(sql`(SELECT 1)`),
  });
  if (!checked[0]?.inForce) throw new AppError("unauthenticated");
}

// Unlike a link that is asked for again, another address that nobody writes to would be a promise not kept.
function tooManyChanges(): AppError {
  return new AppError("rate_limited", {
    detail: "An email can be changed five times per hour.",
    headers: { "Retry-After": String(HOUR / SECOND) },
  });
}
