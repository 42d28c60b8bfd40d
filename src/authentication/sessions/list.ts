import { type Acting, read } from "../../access/read.ts";
import { requireManageable } from "../../access/require.ts";
import type { UserRef } from "../../access/target.ts";
import { type Context, momentOf } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { invalidCursor, openPage, type Page, type PageRequest, toPage } from "../../paging.ts";
import {
  countLiveSessions,
  findUserAuthority,
  listLiveSessions,
  type SessionRow,
} from "./repository.ts";

interface SessionPage {
  page: Page<SessionRow>;
  /** The session of the request; null for an API key. */
  currentId: string | null;
}

/** A page of a user's live sessions, the newest first. Throws `user_not_found`, `privilege_escalation`. */
export async function getSessionPage(
  ctx: Context,
  userRef: UserRef,
  request: PageRequest,
): Promise<SessionPage> {
  const list = {
    scope: "sessions",
    keys: ctx.config.macKeys,
    positionOf: ({ userId, id }: SessionRow) => [userId, id],
  };
  const position = await openPage(list, request);
  const live = { ...momentOf(ctx), since: ctx.now() - ctx.config.session.maxMs };
  const { acting, users, sessions, totals } = await read(ctx, {
    users: findUserAuthority(ctx.db, userRef),
    sessions: listLiveSessions(ctx.db, userRef, live, {
      before: position?.[1],
      skip: request.skip,
      limit: request.limit + 1,
    }),
    totals: request.skip !== undefined && countLiveSessions(ctx.db, userRef, live),
  });
  const [user] = users;
  if (!user) throw new AppError("user_not_found");
  requireManageable(acting, user);
  if (position && position[0] !== user.id) throw invalidCursor();
  return {
    page: await toPage(list, request, sessions, totals),
    currentId: currentSessionOf(acting),
  };
}

function currentSessionOf({ actor }: Acting): string | null {
  return actor.type === "user" ? actor.sessionId : null;
}
