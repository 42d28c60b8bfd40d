import { type SQL, sql } from "drizzle-orm";
import { deleteTokens } from "../authentication/one-time-tokens/repository.ts";
import type { TokenPurpose } from "../authentication/one-time-tokens/tokens.ts";
import type { Context } from "../context.ts";
import { newId } from "../lib/ids.ts";
import { HOUR, MINUTE } from "../lib/time.ts";
import {
  deleteUnsentMail,
  insertMail,
  whereFewerMails,
  whereFewerMailsOfUser,
} from "./repository.ts";
import type { MailKind } from "./templates.ts";

interface MailRequest {
  userId: string;
  kind: MailKind;
  address: string;
}

/** Queues a mail where the condition holds; false where no mail is sent. It is sent only if its transaction commits. */
export function queueMail(ctx: Context, mail: MailRequest, condition: SQL) {
  return (
    ctx.sendMail !== undefined &&
    insertMail(ctx.db, { ...mail, id: newId(), now: ctx.now() }, condition)
  );
}

/** Voids a user's links for these purposes where the condition holds: those already sent, and those that wait in the outbox. */
export function voidLinks(
  { db }: Context,
  userId: string,
  purposes: readonly TokenPurpose[],
  condition: SQL,
) {
  return {
    voidedTokens: deleteTokens(db, userId, purposes, condition),
    voidedMail: deleteUnsentMail(db, userId, purposes, condition),
  };
}

/** True while another mail of a kind may be asked for at an address: one per minute, five per hour. */
export function whereMailMayBeAsked(ctx: Context, mail: MailRequest): SQL {
  return sql`(${whereFewerMails(mail, ctx.now() - MINUTE, 1)} AND ${whereMailMayBeSent(ctx, mail)})`;
}

/** True while fewer than five mails of a kind went to an address within an hour, so that nobody's mailbox is flooded. */
export function whereMailMayBeSent(ctx: Context, mail: MailRequest): SQL {
  return whereFewerMails(mail, ctx.now() - HOUR, 5);
}

/** True while fewer than five mails of a kind were queued for a user within an hour, where they choose the address. */
export function whereUserMayRequestMail(ctx: Context, mail: MailRequest): SQL {
  return whereFewerMailsOfUser(mail, ctx.now() - HOUR, 5);
}
