import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { whereChanged } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError, invalidField } from "../../errors.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { HOUR, MINUTE, SECOND } from "../../lib/time.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import {
  queueMail,
  queueNewLink,
  requireMail,
  whereWithinHourlyLimits,
} from "../../outbox/queue.ts";
import { deleteAttempts } from "../attempts/repository.ts";
import { type CheckedPassword, checkPassword } from "../passwords/check.ts";
import { whereNoPassword, wherePasswordInForce } from "../passwords/repository.ts";
import { findUserByEmail } from "./repository.ts";
import type { ChangeEmail } from "./schema.ts";

/**
 * Starts a change of the caller's email after checking their password, if they have one. The new address gets a link that confirms the change,
 * and the old one a notice if it is verified. Throws `invalid_credentials`, `too_many_attempts`, `email_taken`,
 * `email_unchanged`, `mail_not_configured`, and `rate_limited` beyond one email per minute or five per hour.
 */
export async function changeEmail(ctx: Context, input: ChangeEmail): Promise<void> {
  requireMail(ctx);
  const { acting, account } = await checkEmailChange(ctx, input);
  const newKey = toComparisonKey(input.email);
  // Decided before the password, so that no attempt is counted.
  if (newKey === toComparisonKey(account.email)) throw new AppError("email_unchanged");
  const { userId } = requirePerson(acting);
  const checked = await checkCurrentPassword(acting, account, input.current_password);
  const { holders } = await ctx.d1.send({
    forgotten: checked && deleteAttempts(ctx.db, checked.attempt.key),
    holders: findUserByEmail(ctx.db, newKey),
  });
  const [holder] = holders;
  if (holder) throw new AppError(holder.id === userId ? "email_unchanged" : "email_taken");
  // The password may have changed since it was checked. Then the check no longer authorizes this.
  const whereInForce = checked
    ? wherePasswordInForce(userId, checked.user.passwordVersion)
    : whereNoPassword(userId);
  const whereAllowed = sql`${whereAuthorized(acting, {})} AND ${whereInForce}`;
  const request = { userId, kind: "change_email", address: input.email } as const;
  const hasBegun = await beginChange(acting, account, request, whereAllowed);
  if (hasBegun) return;
  await read(ctx, {});
  throw await explainRefusal(ctx, request, whereInForce);
}

/** The caller. Throws `validation_failed` if they have a password and sent none. */
export async function checkEmailChange(ctx: Context, input: Partial<ChangeEmail>) {
  const { acting, account } = await read(ctx, {});
  if (account.hasPassword && input.current_password === undefined) {
    throw invalidField("current_password", "required", "Required for accounts with a password.");
  }
  return { acting, account };
}

/** Checks the password of the caller. Undefined if they have none. */
async function checkCurrentPassword(
  acting: Acting,
  { hasPassword }: { hasPassword: boolean },
  password = "",
): Promise<CheckedPassword | undefined> {
  if (!hasPassword) return undefined;
  const { userId, sessionId } = requirePerson(acting);
  return checkPassword(acting, { kind: "id", key: userId, sessionId }, password);
}

interface ChangeRequest {
  userId: string;
  kind: "change_email";
  address: string;
}

async function beginChange(
  acting: Acting,
  user: { email: string },
  request: ChangeRequest,
  whereAllowed: SQL,
): Promise<boolean> {
  const { userId } = request;
  const notice = { userId, kind: "email_change_notice", address: user.email } as const;
  const condition = sql`${whereAllowed} AND ${whereWithinHourlyLimits(acting, request)}`;
  const { mail, notice: noticed } = await acting.d1.send({
    ...queueNewLink(acting, request, condition),
    // Directly follows the link: there is no notice of a change that has not begun.
    notice: queueMail(acting, notice, whereChanged),
  });
  deliverSoon(acting, [...mail, ...noticed]);
  return mail.length > 0;
}

// A request beyond the limits is not ignored silently, as a repeated request for the same link is: the new address would never get
// the email.
async function explainRefusal(
  ctx: Context,
  request: ChangeRequest,
  whereInForce: SQL,
): Promise<AppError> {
  const whereWithinHour = whereWithinHourlyLimits(ctx, request);
  const { checked } = await ctx.d1.send({
    checked: ctx.db
      .select({
        inForce: whereInForce.mapWith(Boolean).as("in_force"),
        isWithinHour: whereWithinHour.mapWith(Boolean).as("within_hour"),
      })
      .from(sql`(SELECT 1)`),
  });
  const [refusal] = checked;
  if (!refusal?.inForce) return new AppError("unauthenticated");
  const retryAfterMs = refusal.isWithinHour ? MINUTE : HOUR;
  return new AppError("rate_limited", {
    detail:
      "You can request one of these emails per minute for an address, and five per hour. Try again after the number of seconds in Retry-After.",
    headers: { "Retry-After": String(retryAfterMs / SECOND) },
  });
}
