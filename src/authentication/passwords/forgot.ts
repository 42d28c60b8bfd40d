import { sql } from "drizzle-orm";
import { record } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { newId } from "../../lib/ids.ts";
import { normalizeEmail, toComparisonKey } from "../../lib/text.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks, whereMailMayBeAsked } from "../../outbox/queue.ts";
import { findResettableUser } from "./repository.ts";

/**
 * Sends a link for a new password to an address, if it is that of an active user: one per minute, five per hour.
 * Does the same work and gives the same answer for every address.
 */
export async function requestReset(ctx: Context, email: string): Promise<void> {
  const emailKey = toComparisonKey(normalizeEmail(email));
  const { users } = await ctx.d1.send({ users: findResettableUser(ctx.db, emailKey) });
  const [user] = users;
  const userId = user?.id ?? newId();
  const request = { userId, kind: "reset_password", address: user?.email ?? email } as const;
  const event = await createAuditEvent(ctx, {
    action: "password.reset_requested",
    targetType: "user",
    targetId: user?.id ?? null,
    origin: user,
  });
  const mayBeAsked = user ? whereMailMayBeAsked(ctx, request) : sql`false`;
  const { mail } = await record(ctx, [event], {
    // Before the new mail, which would count against the limit.
    ...voidLinks(ctx, userId, ["reset_password"], mayBeAsked),
    mail: queueMail(ctx, request, mayBeAsked),
  });
  deliverSoon(ctx, mail);
}
