import { type Acting, read } from "../../access/read.ts";
import { requireManageable, requirePermissions } from "../../access/require.ts";
import type { UserRef } from "../../access/target.ts";
import { listApiKeysOfUser } from "../../api-keys/repository.ts";
import { createEventOpener } from "../../audit/events.ts";
import { listSessionsOfUser } from "../../authentication/sessions/repository.ts";
import type { Context } from "../../context.ts";
import type { Statement } from "../../db/statement.ts";
import { AppError } from "../../errors.ts";
import { mapPages } from "../../lib/json-stream.ts";
import { listMailOfUser } from "../../outbox/repository.ts";
import { findManagedUser } from "../users/repository.ts";
import {
  countKnownOrigins,
  findExportable,
  findStoredProfile,
  listAttemptsOfUser,
  listEventsConcerning,
  listTokensOfUser,
} from "./repository.ts";
import type { PersonalData } from "./schema.ts";

/** How many rows of a list are read per round trip. */
const PAGE_ROWS = 500;

/** Before the first id. */
const START = "";

interface ExportRequest {
  user: UserRef;
  /** Whether to export a user who is deleted. Needs users:export. */
  deleted: boolean;
}

/** A list that can grow, oldest first. A page with fewer than `limit` rows is the last one. */
type List<Row> = (user: UserRef, after: string, limit: number) => Statement<Row[]>;

/**
 * All data held on a user: the account, profile, sessions, API keys, one-time tokens and login attempts without their secrets, emails,
 * and the audit events that concern the user. Personal data of others in these events is left out. The first pages are read in one
 * round trip, before this returns; further pages when they are asked for. Every page is authorized like a request of its own, so that
 * a caller who loses their authority receives no further page. Throws `forbidden`, `user_not_found`, `privilege_escalation`.
 */
export async function exportUser(ctx: Context, request: ExportRequest): Promise<PersonalData> {
  const { db } = ctx;
  const lists = {
    sessions: listSessionsOfUser.bind(null, db),
    keys: listApiKeysOfUser.bind(null, db),
    mails: listMailOfUser.bind(null, db),
    events: listEventsConcerning.bind(null, db),
  };
  const { user: ref } = request;
  const { acting, users, profiles, origins, ...rows } = await read(ctx, {
    users: findManagedUser(db, ref),
    profiles: findStoredProfile(db, ref),
    origins: countKnownOrigins(db, ref),
    tokens: listTokensOfUser(db, ref),
    attempts: listAttemptsOfUser(db, ref),
    sessions: lists.sessions(ref, START, PAGE_ROWS),
    keys: lists.keys(ref, START, PAGE_ROWS),
    mails: lists.mails(ref, START, PAGE_ROWS),
    events: lists.events(ref, START, PAGE_ROWS),
  });
  const user = requireExportable(acting, users[0], request);
  const pages = <Row extends { id: string }>(first: Row[], list: List<Row>) =>
    readPages(ctx, { ...request, user: user.id }, first, list);
  const openEvent = await createEventOpener(ctx, user);
  return {
    exportedAt: ctx.now(),
    currentSessionId: acting.actor.type === "user" ? acting.actor.sessionId : null,
    user,
    profile: profiles[0],
    origins: origins[0] ?? { devices: 0, networks: 0 },
    tokens: rows.tokens,
    attempts: rows.attempts,
    sessions: pages(rows.sessions, lists.sessions),
    keys: pages(rows.keys, lists.keys),
    mails: pages(rows.mails, lists.mails),
    events: mapPages(pages(rows.events, lists.events), openEvent),
  };
}

async function* readPages<Row extends { id: string }>(
  ctx: Context,
  request: ExportRequest,
  first: Row[],
  list: List<Row>,
): AsyncGenerator<Row[]> {
  let page = first;
  for (;;) {
    const last = page.at(-1);
    if (!last) return;
    yield page;
    if (page.length < PAGE_ROWS) return;
    const { acting, users, rows } = await read(ctx, {
      users: findExportable(ctx.db, request.user),
      rows: list(request.user, last.id, PAGE_ROWS),
    });
    requireExportable(acting, users[0], request);
    page = rows as unknown as Row[];
  }
}

// Permission is checked before existence.
function requireExportable<
  U extends { id: string; deletedAt: number | null; permissions: string[] },
>(acting: Acting, user: U | undefined, { deleted }: ExportRequest): U {
  if (deleted) requirePermissions(acting.actor, ["users:export"]);
  if (!user || (user.deletedAt !== null && !deleted)) throw new AppError("user_not_found");
  requireManageable(acting, user);
  return user;
}
