import type { Context } from "../../context.ts";
import { dayAfter, startOf } from "../../lib/audit-seal.ts";
import { commit } from "../commit.ts";
import { createAuditEvent } from "../events.ts";
import { requireArchived } from "./archive.ts";
import { requireIntact } from "./day.ts";
import { deleteTrimmedEvents, findUntrimmed, markTrimmed, type SealRow } from "./repository.ts";

/**
 * A round of trimming the trail: deletes up to `limit` events of the latest trimmed day. If it has none left, marks the next day
 * whose `AUDIT_RETENTION_DAYS` are over as trimmed, which is recorded as `audit.trimmed` in the same transaction, and is the only
 * way past the triggers that keep events. Returns what it deleted or the day, or nothing if nothing is due. With an archive, a day
 * that is not archived yet is not due, nor is a day that is not counted for analytics. Throws `SealMismatch`, and leaves the day, if its events or its archive differ from its seal.
 */
export async function trimTrail(ctx: Context, limit: number): Promise<readonly unknown[]> {
  const { db, d1 } = ctx;
  const { deleted, untrimmed } = await d1.send({
    deleted: deleteTrimmedEvents(db, limit),
    untrimmed: findUntrimmed(db),
  });
  if (deleted.length > 0) return deleted;
  const [seal] = untrimmed;
  if (!seal || !isDue(ctx, seal)) return [];
  await requireIntact(ctx, seal);
  await requireArchived(ctx, seal);
  await markDay(ctx, seal);
  return [seal.day];
}

function isDue(
  { config, archive, now }: Context,
  { day, archivedAt, isCounted }: SealRow & { isCounted: boolean },
): boolean {
  const { auditRetentionMs } = config;
  if (!isCounted) return false;
  if (auditRetentionMs === undefined || (archive && archivedAt === null)) return false;
  return startOf(dayAfter(day)) + auditRetentionMs <= now();
}

// Of concurrent runs, one marks the day and records it.
async function markDay(ctx: Context, { day, count, digest }: SealRow): Promise<void> {
  const event = await createAuditEvent(ctx, {
    action: "audit.trimmed",
    targetType: "audit_event",
    targetId: null,
    metadata: { day, count, digest, archived: ctx.archive !== undefined },
  });
  await commit(ctx, { change: markTrimmed(ctx.db, day, ctx.now()), event });
}
