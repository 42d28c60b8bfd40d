import { type SQL, sql } from "drizzle-orm";
import { commit } from "../audit/commit.ts";
import type { NewAuditEvent } from "../audit/repository.ts";
import { deleteTokens } from "../authentication/one-time-tokens/repository.ts";
import type { TokenPurpose } from "../authentication/one-time-tokens/tokens.ts";
import type { Context } from "../context.ts";
import type { Statements } from "../db/connection.ts";
import { AppError } from "../errors.ts";
import { newId } from "../lib/ids.ts";
import { DAY, HOUR, MINUTE } from "../lib/time.ts";
import { languageFor } from "./language.ts";
import {
  deleteUnsentMail,
  insertMail,
  whereAddressVerified,
  whereFewerMails,
  whereFewerMailsOfUser,
} from "./repository.ts";
import { hasLink, type MailKind } from "./templates.ts";

const PER_MINUTE = 1;
/** How many emails of a kind an address gets per hour. */
export const MAILS_PER_HOUR = 5;

/** No email is unsent for longer: after a day it is given up. Older rows are not read. */
const UNSENT_MS = DAY + HOUR;

export interface MailRequest {
  /** By default a new id. */
  id?: string;
  userId: string;
  kind: MailKind;
  address: string;
  /**
   * Whether the address was verified when it was read. Only for a notice to an address that the same transaction replaces; for all
   * others, D1 decides.
   */
  wasVerified?: boolean;
  /** The BCP 47 tag that the request asks for. It precedes the profile's. */
  locale?: string | undefined;
}

/**
 * Queues an email where the condition holds and the limits of its kind and address allow it: one per minute and five per hour. A
 * notice, which is an email without a link, is queued only for a verified address. False if email is not configured. The email is
 * sent only if the transaction commits. Its language is chosen now.
 */
export function queueMail(ctx: Context, mail: MailRequest, condition: SQL) {
  const { userId, kind, address } = mail;
  const priority = hasLink(kind) ? 0 : 1;
  return (
    ctx.sendMail !== undefined &&
    insertMail(
      ctx.db,
      {
        id: mail.id ?? newId(),
        userId,
        kind,
        address,
        language: languageFor(ctx, mail),
        priority,
        now: ctx.now(),
      },
      sql`${condition} AND ${whereRecipientAllowed(mail)} AND ${whereWithinMailLimits(ctx, mail)}`,
    )
  );
}

/**
 * Queues an email with a link that replaces the user's earlier links of the kind. If the condition or the limits do not hold, the
 * earlier links stay valid.
 */
export function queueNewLink(
  ctx: Context,
  mail: MailRequest & { kind: TokenPurpose },
  condition: SQL,
) {
  const whereQueued = sql`${condition} AND ${whereWithinMailLimits(ctx, mail)}`;
  return {
    // Precedes the new email, which would count towards the limit.
    ...voidLinks(ctx, mail.userId, [mail.kind], whereQueued),
    mail: queueMail(ctx, mail, condition),
  };
}

/** As `queueNewLink`, but audited: the event is recorded if the email is queued. Throws `mail_not_configured`. */
export async function commitNewLink<const T extends Statements>(
  ctx: Context,
  mail: MailRequest & { kind: TokenPurpose },
  { condition, ...rest }: AuditedLink<T>,
) {
  requireMail(ctx);
  const { mail: change, ...before } = queueNewLink(ctx, mail, condition);
  if (!change) throw new Error("no email, although it is configured");
  return commit(ctx, { before, change, ...rest });
}

interface AuditedLink<T extends Statements> {
  condition: SQL;
  event: NewAuditEvent;
  effects?: (recorded: SQL) => T;
}

/**
 * Throws `mail_not_configured` if the service cannot send email. For operations that are useless without, before they read
 * anything: the answer is the same for every address.
 */
export function requireMail({ sendMail }: Pick<Context, "sendMail">): void {
  if (!sendMail) throw new AppError("mail_not_configured");
}

/** Voids a user's links for these purposes, whether already sent or still in the outbox, where the condition holds. */
export function voidLinks(
  { db, now }: Context,
  userId: string,
  purposes: readonly TokenPurpose[],
  condition: SQL,
) {
  return {
    voidedTokens: deleteTokens(db, userId, purposes, condition),
    voidedMail: deleteUnsentMail(
      db,
      { userId, kinds: purposes, since: now() - UNSENT_MS },
      condition,
    ),
  };
}

/**
 * True while fewer than five emails of a kind were queued in the last hour for an address, and for a user to any address. For
 * emails whose address the user chooses.
 */
export function whereWithinHourlyLimits(ctx: Context, mail: MailRequest): SQL {
  const since = ctx.now() - HOUR;
  return sql`(${whereFewerMails(mail, since, MAILS_PER_HOUR)} AND ${whereFewerMailsOfUser(mail, since, MAILS_PER_HOUR)})`;
}

/**
 * True while the limits of an email's kind and address allow another one: one per minute and five per hour. Counted over all
 * accounts, so that no mailbox is flooded by many of them.
 */
export function whereWithinMailLimits({ now }: Context, mail: MailRequest): SQL {
  const whereMinute = whereFewerMails(mail, now() - MINUTE, PER_MINUTE);
  return sql`${whereMinute} AND ${whereFewerMails(mail, now() - HOUR, MAILS_PER_HOUR)}`;
}

// A link goes to the address that it verifies. A notice to an address that nobody has verified could go to a stranger.
function whereRecipientAllowed(mail: MailRequest): SQL {
  if (hasLink(mail.kind)) return sql`true`;
  if (mail.wasVerified !== undefined) return mail.wasVerified ? sql`true` : sql`false`;
  return whereAddressVerified(mail);
}
