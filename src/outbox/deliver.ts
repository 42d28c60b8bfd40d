import { mintToken, type TokenPurpose } from "../authentication/one-time-tokens/tokens.ts";
import { afterResponse, type Context } from "../context.ts";
import { newId } from "../lib/ids.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import { type ClaimedMail, claimMail, settleMail, whereLeased } from "./repository.ts";
import { type MailKind, renderMail } from "./templates.ts";

/** How long whoever claimed a mail has for sending it. */
const LEASE_MS = MINUTE;
const FIRST_RETRY_MS = 30 * SECOND;
const LONGEST_RETRY_MS = HOUR;
/** How long a mail that was sent or given up can be looked up. */
const RETENTION_MS = 30 * DAY;
/** After this a mail is given up. */
const GIVE_UP_MS = DAY;
const MAILS_PER_REQUEST = 5;

/** What a mail's link is good for. */
const PURPOSES: Readonly<Partial<Record<MailKind, TokenPurpose>>> = {
  verify_email: "verify_email",
  reset_password: "reset_password",
  change_email: "change_email",
};

/** Sends what a transaction has queued, after the response. What fails is tried again by the next run of the job. */
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

/** Sends up to so many mails that are due and returns those that went out. Two at once never send one mail twice. */
export async function deliverDueMail(ctx: Context, limit: number): Promise<ClaimedMail[]> {
  if (!ctx.sendMail) return [];
  const lease = newId();
  const { claimed } = await ctx.d1.send({
    claimed: claimMail(ctx.db, { lease, now: ctx.now(), leaseMs: LEASE_MS, limit }),
  });
  const outcomes = await Promise.allSettled(claimed.map((mail) => deliver(ctx, mail, lease)));
  // Thrown only now, when nobody is at a mail any more.
  const failure = outcomes.find(({ status }) => status === "rejected");
  if (failure?.status === "rejected") throw failure.reason;
  return claimed.filter((_, i) => {
    const outcome = outcomes[i];
    return outcome?.status === "fulfilled" && outcome.value;
  });
}

// The token is made now, so that none is kept while the mail waits.
async function deliver(ctx: Context, mail: ClaimedMail, lease: string): Promise<boolean> {
  const at = { userId: mail.userId, id: mail.id, lease };
  try {
    const isStillWanted = await send(ctx, mail, lease);
    if (!isStillWanted) return false;
  } catch (error) {
    const hasGivenUp = ctx.now() - mail.createdAt >= GIVE_UP_MS;
    const fields = { mail_id: mail.id, kind: mail.kind, attempts: mail.attempts };
    const event = hasGivenUp ? "mail.given_up" : "mail.attempt_failed";
    ctx.log(hasGivenUp ? "error" : "warn", event, { ...fields, ...describeError(error) });
    const nextAttemptAt = ctx.now() + retryDelay(mail.attempts);
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
  const occasion = mail.id;
  const token =
    purpose &&
    (await mintToken(
      ctx,
      { userId, purpose, address, occasion },
      whereLeased({ userId, id: mail.id, lease }),
    ));
  // It was taken back: an earlier try has arrived after all and its link was used, or a newer mail replaces it.
  if (purpose && !token) return false;
  const rendered = renderMail(kind, { name, linkUrl: config.mail.linkUrl, token });
  await sendMail({ ...rendered, to: address, idempotencyKey: mail.id });
  return true;
}

// Exponential, with jitter, so that a provider that comes back is not met by all at once.
function retryDelay(attempts: number): number {
  const delay = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LONGEST_RETRY_MS);
  return Math.round(delay * (0.5 + Math.random() / 2));
}
