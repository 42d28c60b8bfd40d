import { sql } from "drizzle-orm";
import { createAuditEvent } from "../../audit/events.ts";
import { countUnattributed } from "../../audit/unattributed.ts";
import type { Context } from "../../context.ts";
import { newId } from "../../lib/ids.ts";
import { normalizeEmail, toComparisonKey } from "../../lib/text.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { commitNewLink, requireMail } from "../../outbox/queue.ts";
import { findResettableUser } from "./repository.ts";

/**
 * Sends a password reset link to an address if an active user has it: at most one per minute and five per hour.
 * Does the same work and has the same result for every address. Throws `mail_not_configured`.
 */
export async function requestReset(ctx: Context, email: string): Promise<void> {
  requireMail(ctx);
  const emailKey = toComparisonKey(normalizeEmail(email));
  const { users } = await ctx.d1.send({ users: findResettableUser(ctx.db, emailKey) });
  const [user] = users;
  const userId = user?.id ?? newId();
  const request = { userId, kind: "reset_password", address: user?.email ?? email } as const;
  const action = "password.reset_requested";
  const { changed } = await commitNewLink(ctx, request, {
    condition: user ? sql`true` : sql`false`,
    event: await createAuditEvent(ctx, {
      action,
      targetType: "user",
      targetId: userId,
      origin: user,
    }),
    // What sends nothing is not recorded, because anyone can repeat it any number of times.
    effects: (recorded) => ({
      counted: countUnattributed(ctx, action, {
        subjectId: user?.id ?? "",
        condition: sql`NOT ${recorded}`,
      }),
    }),
  });
  deliverSoon(ctx, changed);
}
