import { findCaller, toPrincipal } from "../../access/callers.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { type Context, momentOf } from "../../context.ts";

/** The user of a session, as D1 has it now; undefined if the session has ended, or its user may not use it. */
export async function readLiveSession(
  ctx: Context,
  { sessionId, userId }: Pick<UserPrincipal, "sessionId" | "userId">,
): Promise<UserPrincipal | undefined> {
  const credential = { type: "session", sessionId, userId } as const;
  const { callers } = await ctx.d1.send({ callers: findCaller(ctx.db, credential) });
  const principal = toPrincipal(callers[0], credential, momentOf(ctx));
  return principal?.type === "user" ? principal : undefined;
}
