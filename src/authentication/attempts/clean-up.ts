import type { Context } from "../../context.ts";
import { type AttemptPage, deleteExpiredLoginAttempts, findLastKey } from "./repository.ts";

/**
 * Deletes counts that have expired, and returns them. Walks the whole table, `limit` rows per round trip: it has no index, which every
 * login would have to write, and only rows from since the last run.
 */
export async function cleanUpAttempts(ctx: Context, limit: number): Promise<{ key: string }[]> {
  const deleted: { key: string }[] = [];
  let after: string | null = "";
  while (after !== null) {
    const { last, expired } = await cleanUpPage(ctx, { after, limit });
    deleted.push(...expired);
    after = last[0]?.key ?? null;
  }
  return deleted;
}

function cleanUpPage({ d1, db, now }: Context, page: AttemptPage) {
  return d1.send({
    last: findLastKey(db, page),
    expired: deleteExpiredLoginAttempts(db, page, now()),
  });
}
