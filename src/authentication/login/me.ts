import type { SessionCredential } from "../../access/credential.ts";
import { read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { findSession } from "../sessions/repository.ts";

/** The user of a session, the session, and the user's permissions. */
export async function getMe(ctx: Context, { sessionId }: SessionCredential) {
  const { acting, account, sessions } = await read(ctx, {
    sessions: findSession(ctx.db, sessionId),
  });
  const { permissions } = requirePerson(acting);
  const [session] = sessions;
  if (!session) throw new AppError("unauthenticated");
  return { user: account, session, permissions };
}
