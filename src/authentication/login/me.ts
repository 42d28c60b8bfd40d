import type { SessionCredential } from "../../access/credential.ts";
import { read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { findUser } from "../../accounts/users/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { findSession } from "../sessions/repository.ts";

/** The user of a session, the session, and what the user may do. */
export async function getMe(ctx: Context, { userId, sessionId }: SessionCredential) {
  const { acting, users, sessions } = await read(ctx, {
    users: findUser(ctx.db, userId),
    sessions: findSession(ctx.db, sessionId),
  });
  const { permissions } = requirePerson(acting);
  const [user] = users;
  const [session] = sessions;
  if (!user || !session) throw new AppError("unauthenticated");
  return { user, session, permissions };
}
