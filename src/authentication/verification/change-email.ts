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
import { deleteAttempts } from "../attempts/repository.ts";
import { checkPassword } from "../passwords/check.ts";
import { wherePasswordInForce } from "../passwords/repository.ts";
import { findUserByEmail } from "./repository.ts";
import type { ChangeEmail } from "./schema.ts";

/**
 * Starts a change of the caller's email after checking their password. The new address gets a link that confirms the change, and the
 * old one a notice. Throws `invalid_credentials`, `too_many_attempts`, `email_taken`, and `rate_limited` after five changes per hour.
 */
export async function changeEmail(ctx: Context, input: ChangeEmail): Promise<void> {
  const { acting } = await read(ctx, {});
  const { userId, sessionId } = requirePerson(acting);
  const identifier = { kind: "id", key: userId, sessionId } as const;
  const { user, attempt } = await checkPassword(acting, identifier, input.current_password);
  const { holders } = await ctx.d1.send({
    forgotten: deleteAttempts(ctx.db, attempt.key),
    holders: findUserByEmail(ctx.db, toComparisonKey(input.email)),
  });
  const [holder] = holders;
  if (holder && holder.id !== userId) throw new AppError("email_taken");
  // The password may have changed since it was checked. Then the check no longer authorizes this.
  const whereInForce = wherePasswordInForce(userId, user.passwordVersion);
  const whereAllowed = sql`${whereAuthorized(acting, {})} AND ${whereInForce}`;
  const hasBegun = await beginChange(acting, user, input.email, whereAllowed);
  if (hasBegun || !ctx.sendMail) return;
  await read(ctx, {});
  await requireStillInForce(ctx, whereInForce);
  throw tooManyChanges();
}

async function beginChange(
  acting: Acting,
  user: { id: string; email: string },
  address: string,
  whereAllowed: SQL,
): Promise<boolean> {
  const userId = user.id;
  const request = { userId, kind: "change_email", address } as const;
  const notice = { userId, kind: "email_change_notice", address: user.email } as const;
  const whereWithinLimits = sql`${whereMailMayBeSent(acting, request)} AND ${whereUserMayRequestMail(acting, request)}`;
  const condition = sql`${whereAllowed} AND ${whereWithinLimits}`;
  const { mail } = await acting.d1.send({
    ...voidLinks(acting, userId, ["change_email"], condition),
    notice: queueMail(acting, notice, condition),
    mail: queueMail(acting, request, condition),
  });
  deliverSoon(acting, mail);
  return mail.length > 0;
}

async function requireStillInForce(ctx: Context, whereInForce: SQL): Promise<void> {
  const { checked } = await ctx.d1.send({
    checked: ctx.db
      .select({ inForce: whereInForce.mapWith(Boolean).as("in_force") })
      .from(sql`(SELECT 1)`),
  });
  if (!checked[0]?.inForce) throw new AppError("unauthenticated");
}

// Not ignored silently, as a repeated request for the same link is: the new address would never get the email.
function tooManyChanges(): AppError {
  return new AppError("rate_limited", {
    detail: "You can change your email at most five times per hour.",
    headers: { "Retry-After": String(HOUR / SECOND) },
  });
}
