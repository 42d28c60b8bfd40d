import { mintToken, type TokenPurpose } from "../authentication/one-time-tokens/tokens.ts";
import { afterResponse, type Context } from "../context.ts";
import { newId } from "../lib/ids.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import { type ClaimedMail, claimMail, settleMail, whereLeased } from "./repository.ts";
import { type MailKind, renderMail } from "./templates.ts";

/** How long the sender that has claimed an email may take to send it. */
const LEASE_MS = MINUTE;
const FIRST_RETRY_MS = 30 * SECOND;
const LONGEST_RETRY_MS = HOUR;
/** How long an email is kept after it was sent or given up. */
const RETENTION_MS = 30 * DAY;
/** An email that could not be sent for this long is given up. */
const GIVE_UP_AFTER_MS = DAY;
const MAILS_PER_REQUEST = 5;

/** The purpose of the one-time token in the link of an email. */
const PURPOSES: Readonly<Partial<Record<MailKind, TokenPurpose>>> = {
  verify_email: "verify_email",
  reset_password: "reset_password",
  invitation: "invitation",
  change_email: "change_email",
};

/** Sends the emails that a transaction has queued, after the response. The scheduled job retries those that fail. */
export function deliverSoon(ctx: Context, queued: readonly unknown[]): void {
  if (queued.length === 0) return;
  afterResponse(ctx, async () => {
    try {
      await deliverDueMail(ctx, MAILS_PER_REQUEST);
    } catch (error) {
      ctx.log("error", "mail.delivery_failed", describeError(error));
    }
  });
}

/** Sends up to `limit` emails that are due and returns those that were sent. Concurrent calls never send the same email. */
export async function deliverDueMail(ctx: Context, limit: number): Promise<ClaimedMail[]> {
  if (!ctx.sendMail) return [];
  const lease = newId();
  const { claimed } = await ctx.d1.send({
    claimed: claimMail(ctx.db, { lease, now: ctx.now(), leaseMs: LEASE_MS, limit }),
  });
  const outcomes = await Promise.allSettled(claimed.map((mail) => deliver(ctx, mail, lease)));
  // Thrown only after all attempts have ended.
  const failure = outcomes.find(({ status }) => status === "rejected");
  if (failure?.status === "rejected") throw failure.reason;
  return claimed.filter((_, i) => {
    const outcome = outcomes[i];
    return outcome?.status === "fulfilled" && outcome.value;
  });
}

// The token is created only now, so that no token is stored while the email waits.
async function deliver(ctx: Context, mail: ClaimedMail, lease: string): Promise<boolean> {
  const at = { userId: mail.userId, id: mail.id, lease };
  try {
    const isSent = await send(ctx, mail, lease);
    if (!isSent) return false;
  } catch (error) {
    const hasGivenUp = ctx.now() - mail.createdAt >= GIVE_UP_AFTER_MS;
    const fields = { mail_id: mail.id, kind: mail.kind, attempts: mail.attempts };
    const event = hasGivenUp ? "mail.given_up" : "mail.attempt_failed";
    ctx.log(hasGivenUp ? "error" : "warn", event, { ...fields, ...describeError(error) });
    const nextAttemptAt = ctx.now() + computeRetryDelayMs(mail.attempts);
    const outcome = hasGivenUp ? settledAt(ctx, "failedAt") : { nextAttemptAt };
    await ctx.d1.send({ settled: settleMail(ctx.db, at, outcome) });
    return false;
  }
  await ctx.d1.send({ settled: settleMail(ctx.db, at, settledAt(ctx, "sentAt")) });
  ctx.log("info", "mail.sent", { mail_id: mail.id, kind: mail.kind, attempts: mail.attempts });
  return true;
}

function settledAt(ctx: Context, how: "sentAt" | "failedAt") {
  return { [how]: ctx.now(), nextAttemptAt: ctx.now() + RETENTION_MS };
}

async function send(ctx: Context, mail: ClaimedMail, lease: string): Promise<boolean> {
  const { config, sendMail } = ctx;
  if (!config.mail || !sendMail) return false;
  const kind = mail.kind as MailKind;
  const { userId, address, name } = mail;
  const purpose = PURPOSES[kind];
  const token =
    purpose &&
    (await mintToken(
      ctx,
      { userId, purpose, address, mailId: mail.id },
      whereLeased({ userId, id: mail.id, lease }),
    ));
  // The email was withdrawn: an earlier attempt has arrived after all and its link was used, or a newer email replaces it.
  if (purpose && !token) return false;
  const rendered = renderMail(kind, { name, linkUrl: config.mail.linkUrl, token });
  await sendMail({ ...rendered, to: address, idempotencyKey: mail.id });
  return true;
}

// Exponential backoff with jitter, so that a provider that recovers does not get all retries at once.
function computeRetryDelayMs(attempts: number): number {
  const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LONGEST_RETRY_MS);
  return Math.round(delayMs * (0.5 + Math.random() / 2));
}
