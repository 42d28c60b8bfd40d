import { type SQL, sql } from "drizzle-orm";
import { deleteTokens } from "../authentication/one-time-tokens/repository.ts";
import { mintToken, type TokenPurpose } from "../authentication/one-time-tokens/tokens.ts";
import type { Context } from "../context.ts";
import { newId } from "../lib/ids.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import {
  type ClaimedMail,
  claimMail,
  deleteUnsentMail,
  hasFewerMails,
  insertMail,
  isLeased,
  settleMail,
} from "./repository.ts";
import { type MailKind, renderMail } from "./templates.ts";

/** How long whoever claimed a mail has for sending it. */
const LEASE_MS = MINUTE;
const FIRST_RETRY_MS = 30 * SECOND;
const LONGEST_RETRY_MS = HOUR;
/** After this a mail is given up. */
const GIVE_UP_MS = DAY;
const MAILS_A_REQUEST = 5;

/** What a mail's link is good for. */
const PURPOSES: Readonly<Partial<Record<MailKind, TokenPurpose>>> = {
  verify_email: "verify_email",
  reset_password: "reset_password",
  change_email: "change_email",
};

interface MailRequest {
  userId: string;
  kind: MailKind;
  address: string;
}

/** The statement that queues a mail where the condition holds: it goes out only if the batch that it belongs to does. */
export function queueMail(ctx: Context, mail: MailRequest, condition: SQL) {
  const when = ctx.sendMail ? condition : sql`false`;
  return insertMail(ctx.db, { ...mail, id: newId(), now: ctx.now() }, when);
}

/** The statements that void a user's links for these purposes where the condition holds: those that went out and those that wait to. */
export function voidLinks(
  ctx: Context,
  userId: string,
  purposes: readonly TokenPurpose[],
  condition: SQL,
) {
  return [
    deleteTokens(ctx.db, userId, purposes, condition),
    deleteUnsentMail(ctx.db, userId, purposes, condition),
  ] as const;
}

/** True while another mail of a kind may go to a user or an address: one a minute, five an hour. */
export function mayAskForMail(ctx: Context, mail: MailRequest): SQL {
  return sql`(${hasFewerMails(mail, ctx.now() - MINUTE, 1)} AND ${maySendMail(ctx, mail)})`;
}

/** True while fewer than five mails of a kind went to a user or an address in an hour: nobody's mailbox is flooded by way of us. */
export function maySendMail(ctx: Context, mail: MailRequest): SQL {
  return hasFewerMails(mail, ctx.now() - HOUR, 5);
}

/** Sends what a batch has queued, behind the response. What fails is tried again by the next run. */
export function deliverSoon(ctx: Context, queued: readonly unknown[]): void {
  if (queued.length === 0) return;
  ctx.waitUntil(deliverBehindResponse(ctx));
}

// Begins once the response is on its way, so that neither its time nor its cost tells whether a mail was queued.
async function deliverBehindResponse(ctx: Context): Promise<void> {
  await scheduler.wait(0);
  try {
    await deliverDueMail(ctx, MAILS_A_REQUEST);
  } catch (error) {
    ctx.log("error", "mail.delivery_failed", describeError(error));
  }
}

/** Sends up to so many mails that are due and returns those that went out. Two at once never send one mail twice. */
export async function deliverDueMail(ctx: Context, limit: number): Promise<ClaimedMail[]> {
  if (!ctx.sendMail) return [];
  const lease = newId();
  const claimed = await claimMail(ctx.db, { lease, now: ctx.now(), leaseMs: LEASE_MS, limit });
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
  const at = { id: mail.id, lease };
  try {
    const isStillWanted = await send(ctx, mail, lease);
    if (!isStillWanted) return false;
  } catch (error) {
    const hasGivenUp = ctx.now() - mail.createdAt >= GIVE_UP_MS;
    const fields = { mail_id: mail.id, kind: mail.kind, attempts: mail.attempts };
    const event = hasGivenUp ? "mail.given_up" : "mail.attempt_failed";
    ctx.log(hasGivenUp ? "error" : "warn", event, { ...fields, ...describeError(error) });
    const nextAttemptAt = ctx.now() + retryDelay(mail.attempts);
    await settleMail(ctx.db, at, hasGivenUp ? { failedAt: ctx.now() } : { nextAttemptAt });
    return false;
  }
  await settleMail(ctx.db, at, { sentAt: ctx.now() });
  ctx.log("info", "mail.sent", { mail_id: mail.id, kind: mail.kind, attempts: mail.attempts });
  return true;
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
      isLeased({ id: mail.id, lease }),
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
