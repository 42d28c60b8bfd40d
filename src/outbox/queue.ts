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
import { hasLink, type MailKind } from "./templates.ts";

interface MailRequest {
  userId: string;
  kind: MailKind;
  address: string;
}

/** Queues an email where the condition holds; false if email is not configured. It is sent only if the transaction commits. */
export function queueMail(ctx: Context, mail: MailRequest, condition: SQL) {
  return (
    ctx.sendMail !== undefined &&
    insertMail(
      ctx.db,
      { ...mail, id: newId(), priority: hasLink(mail.kind) ? 0 : 1, now: ctx.now() },
      condition,
    )
  );
}

/** Voids a user's links for these purposes, whether already sent or still in the outbox, where the condition holds. */
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

/** True while another email of a kind may be requested for an address: at most one per minute and five per hour. */
export function whereMailMayBeRequested(ctx: Context, mail: MailRequest): SQL {
  return sql`(${whereFewerMails(mail, ctx.now() - MINUTE, 1)} AND ${whereMailMayBeSent(ctx, mail)})`;
}

/** True while fewer than five emails of a kind were queued for an address in the last hour, so that no mailbox is flooded. */
export function whereMailMayBeSent(ctx: Context, mail: MailRequest): SQL {
  return whereFewerMails(mail, ctx.now() - HOUR, 5);
}

/** True while fewer than five emails of a kind were queued for a user in the last hour. For emails whose address the user chooses. */
export function whereUserMayRequestMail(ctx: Context, mail: MailRequest): SQL {
  return whereFewerMailsOfUser(mail, ctx.now() - HOUR, 5);
}
