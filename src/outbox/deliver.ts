import { mintToken } from "../authentication/one-time-tokens/tokens.ts";
import { afterResponse, type Context } from "../context.ts";
import { newId } from "../lib/ids.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import { MailRefused } from "../platform/mailer.ts";
import { toMailLanguage } from "./language.ts";
import { renderMail } from "./render.ts";
import {
  type ClaimedMail,
  claimDueMail,
  claimQueuedMail,
  type QueuedMail,
  settleMail,
  whereLeased,
} from "./repository.ts";
import { type MailKind, purposeOf } from "./templates.ts";

/** How long the sender that has claimed an email may take to send it. */
const LEASE_MS = MINUTE;
const FIRST_RETRY_MS = 30 * SECOND;
/** No email waits longer for its next attempt. */
export const LONGEST_RETRY_MS = HOUR;
/** How long an email is kept after it was sent or given up. */
const RETENTION_MS = 30 * DAY;
/** An email that could not be sent for this long is given up. */
const GIVE_UP_AFTER_MS = DAY;
/** How many other emails a request sends besides its own. */
const OTHERS_PER_REQUEST = 3;
const MAILS_PER_BATCH = 50;
/** A scheduled run claims no further batch after this time. */
const RUN_MS = 20 * SECOND;
/** A scheduled run sends no more than this: an email takes up to two D1 queries, and D1 allows 1,000 per invocation of a worker. */
const MAILS_PER_RUN = 400;

/**
 * Sends the emails that a transaction has queued, after the response, and a few others that are due. The scheduled job retries
 * those that fail.
 */
export function deliverSoon(ctx: Context, queued: readonly QueuedMail[]): void {
  if (queued.length === 0) return;
  afterResponse(ctx, async () => {
    try {
      await deliverBatch(atCurrentTime(ctx), { queued, limit: OTHERS_PER_REQUEST });
    } catch (error) {
      ctx.log("error", "mail.delivery_failed", describeError(error));
    }
  });
}

/**
 * Sends the emails that are due, those with a link first, until none is left, 20 seconds have passed or 400 were attempted. Returns
 * those that were sent. Concurrent calls never send the same email.
 */
export async function deliverAllDueMail(ctx: Context): Promise<ClaimedMail[]> {
  const endsAt = Date.now() + RUN_MS;
  const sent: ClaimedMail[] = [];
  let attempted = 0;
  do {
    const batch = await deliverBatch(atCurrentTime(ctx), { queued: [], limit: MAILS_PER_BATCH });
    sent.push(...batch.sent);
    attempted += batch.claimed;
    if (batch.claimed < MAILS_PER_BATCH) break;
  } while (attempted < MAILS_PER_RUN && Date.now() < endsAt);
  return sent;
}

interface Batch {
  /** Emails to send in any case. */
  queued: readonly QueuedMail[];
  /** How many others to send. */
  limit: number;
}

// The time of a context is constant, and a run has several batches.
function atCurrentTime(ctx: Context): Context {
  const now = Date.now();
  return { ...ctx, now: () => now };
}

async function deliverBatch(
  ctx: Context,
  { queued, limit }: Batch,
): Promise<{ claimed: number; sent: ClaimedMail[] }> {
  if (!ctx.sendMail) return { claimed: 0, sent: [] };
  const claim = { lease: newId(), now: ctx.now(), leaseMs: LEASE_MS };
  const { own, others } = await ctx.d1.send({
    own: queued.length > 0 && claimQueuedMail(ctx.db, claim, queued),
    others: claimDueMail(ctx.db, claim, limit),
  });
  const claimed = [...own, ...others];
  const links = claimed.filter(({ priority }) => priority === 0);
  const notices = claimed.filter(({ priority }) => priority !== 0);
  const outcomes = [
    ...(await Promise.allSettled(links.map((mail) => deliver(ctx, mail, claim.lease)))),
    ...(await Promise.allSettled(notices.map((mail) => deliver(ctx, mail, claim.lease)))),
  ];
  // Thrown only after all attempts have ended.
  const failure = outcomes.find(({ status }) => status === "rejected");
  if (failure?.status === "rejected") throw failure.reason;
  const sent = [...links, ...notices].filter((_, i) => {
    const outcome = outcomes[i];
    return outcome?.status === "fulfilled" && outcome.value;
  });
  return { claimed: claimed.length, sent };
}

// An email from before the revocation epoch is not sent: a restore of the database may have brought it back. The token is created
// only now, so that no token is stored while the email waits.
async function deliver(ctx: Context, mail: ClaimedMail, lease: string): Promise<boolean> {
  const at = { userId: mail.userId, id: mail.id, lease };
  if (mail.createdAt < ctx.revokedBefore) {
    ctx.log("warn", "mail.given_up", { mail_id: mail.id, kind: mail.kind, reason: "revoked" });
    await ctx.d1.send({ settled: settleMail(ctx.db, at, settledAt(ctx, "failedAt")) });
    return false;
  }
  try {
    const isSent = await send(ctx, mail, lease);
    if (!isSent) return false;
  } catch (error) {
    const outcome = toFailure(ctx, mail, error);
    await ctx.d1.send({ settled: settleMail(ctx.db, at, outcome) });
    return false;
  }
  ctx.count("roster_mail_deliveries_total", { result: "sent" });
  await ctx.d1.send({ settled: settleMail(ctx.db, at, settledAt(ctx, "sentAt")) });
  ctx.log("info", "mail.sent", { mail_id: mail.id, kind: mail.kind, attempts: mail.attempts });
  return true;
}

/** Logs a failed attempt, and returns when to try again or that the email is given up. */
function toFailure(ctx: Context, { id, kind, attempts, createdAt }: ClaimedMail, error: unknown) {
  const fields = { mail_id: id, kind, attempts };
  if (error instanceof MailRefused) {
    ctx.count("roster_mail_deliveries_total", { result: "refused" });
    ctx.log("error", "mail.refused", { ...fields, reason: error.reason });
    return settledAt(ctx, "failedAt");
  }
  if (ctx.now() - createdAt >= GIVE_UP_AFTER_MS) {
    ctx.count("roster_mail_deliveries_total", { result: "given_up" });
    ctx.log("error", "mail.given_up", { ...fields, ...describeError(error) });
    return settledAt(ctx, "failedAt");
  }
  ctx.count("roster_mail_deliveries_total", { result: "retried" });
  ctx.log("warn", "mail.attempt_failed", { ...fields, ...describeError(error) });
  return { nextAttemptAt: ctx.now() + computeRetryDelayMs(attempts) };
}

function settledAt(ctx: Context, how: "sentAt" | "failedAt") {
  return { [how]: ctx.now(), nextAttemptAt: ctx.now() + RETENTION_MS };
}

async function send(ctx: Context, mail: ClaimedMail, lease: string): Promise<boolean> {
  const { config, sendMail } = ctx;
  if (!config.mail || !sendMail) return false;
  const kind = mail.kind as MailKind;
  const { userId, address, name, about } = mail;
  const purpose = purposeOf(kind);
  const token =
    purpose &&
    (await mintToken(
      ctx,
      { userId, purpose, address, mailId: mail.id },
      whereLeased({ userId, id: mail.id, lease }),
    ));
  // The email was withdrawn: an earlier attempt has arrived after all and its link was used, or a newer email replaces it.
  if (purpose && !token) return false;
  const { linkUrl, defaultLanguage } = config.mail;
  const language = toMailLanguage(mail.language, defaultLanguage);
  const rendered = renderMail(kind, {
    name,
    about,
    language,
    at: mail.createdAt,
    timeZone: mail.timeZone ?? "UTC",
    appName: config.appName,
    code: token?.code,
    link: token && { baseUrl: linkUrl, token: token.text },
  });
  const { requestId, trace } = ctx;
  await sendMail({ ...rendered, language, to: address, idempotencyKey: mail.id, requestId, trace });
  return true;
}

// Exponential backoff with jitter, so that a provider that recovers does not get all retries at once.
function computeRetryDelayMs(attempts: number): number {
  const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LONGEST_RETRY_MS);
  return Math.round(delayMs * (0.5 + Math.random() / 2));
}
