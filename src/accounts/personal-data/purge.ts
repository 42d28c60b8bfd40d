import { commitAll } from "../../audit/commit.ts";
import type { Context } from "../../context.ts";
import { findPurgeable, whereDeletedBy } from "../users/repository.ts";
import { planErasure } from "./erase.ts";

/**
 * Erases up to `limit` users whose retention period is over, in one transaction, and returns those it erased. A user who is
 * restored in the meantime is kept.
 */
export async function purgeDeletedUsers(ctx: Context, limit: number): Promise<{ id: string }[]> {
  const deletedBy = ctx.now() - ctx.config.deletedRetentionMs;
  const { due } = await ctx.d1.send({ due: findPurgeable(ctx.db, deletedBy, limit) });
  const erasures = due.map(({ id }) => planErasure(ctx, id, whereDeletedBy(deletedBy)));
  const erased = await commitAll(ctx, await Promise.all(erasures));
  return erased.flat();
}
