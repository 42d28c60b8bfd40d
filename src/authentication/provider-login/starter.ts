import type { Account } from "../../access/callers.ts";
import { type Acting, read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import type { Context } from "../../context.ts";
import type { Rows, Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import type { Grant } from "./codes.ts";

/**
 * Reads the caller, who must be in the session in which the login at the provider was started, and further statements. Throws
 * `unauthenticated` without a session, and `forbidden` in another one: whoever gets hold of a code cannot use it in their own account.
 */
export async function readStarter<const S extends Statements>(
  ctx: Context,
  { caller }: Grant,
  statements: S,
): Promise<Rows<S> & { acting: Acting; account: Account }> {
  if (!ctx.access) throw new AppError("unauthenticated");
  const found = await read(ctx, statements);
  const { userId, sessionId } = requirePerson(found.acting);
  if (caller?.sessionId !== sessionId || caller.userId !== userId) {
    throw new AppError("forbidden", {
      detail: "This was started in another session. Start again in this one.",
    });
  }
  return found;
}
