import { type SQL, sql } from "drizzle-orm";
import { afterResponse, type Context } from "../context.ts";
import { insertWhere } from "../db/insert.ts";
import { unattributedEvents } from "../db/schema/unattributed-events.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import { toNetwork } from "../lib/address.ts";
import { HOUR } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";

/**
 * What is counted per hour, network and subject instead of being recorded one by one, because strangers can cause any number of it:
 * failed logins, lock-outs and resets for unknown names, attempts during a lock-out, and refusals for lack of a permission.
 */
export const UNATTRIBUTED_ACTIONS = [
  "auth.login_failed",
  "auth.locked_out",
  "auth.login_blocked",
  "password.reset_requested",
  "access.denied",
] as const;

export type UnattributedAction = (typeof UNATTRIBUTED_ACTIONS)[number];

/**
 * Counts an event where the condition holds, in one row per hour, action, network and subject. The subject is the id of a user
 * or an API key, if one is known.
 */
export function countUnattributed(
  ctx: Context,
  action: UnattributedAction,
  { subjectId = "", condition = sql`true` }: { subjectId?: string | SQL; condition?: SQL } = {},
) {
  const now = ctx.now();
  const network = toNetwork(ctx.client.ip ?? "");
  const row = { hour: now - (now % HOUR), action, network, subjectId, count: 1 };
  const { hour, count, ...key } = unattributedEvents;
  return insertWhere(ctx.db, unattributedEvents, row, condition).onConflictDoUpdate({
    target: [hour, key.action, key.network, key.subjectId],
    set: { count: sql`${count} + 1` },
  });
}

const DENIALS: ReadonlySet<string> = new Set<ErrorCode>(["forbidden", "privilege_escalation"]);

/** Counts a request that was refused for lack of a permission, after the response. Does nothing for other errors. */
export function countDenial(ctx: Context | undefined, error: unknown): void {
  const principal = ctx?.access?.principal;
  if (!principal || !(error instanceof AppError) || !DENIALS.has(error.code)) return;
  const subjectId = principal.type === "api_key" ? principal.keyId : principal.userId;
  afterResponse(ctx, async () => {
    try {
      await ctx.d1.send({ counted: countUnattributed(ctx, "access.denied", { subjectId }) });
    } catch (failure) {
      ctx.log("warn", "audit.count_failed", describeError(failure));
    }
  });
}
