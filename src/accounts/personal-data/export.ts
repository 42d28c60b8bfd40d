import { type Acting, isCallersOwn, read } from "../../access/read.ts";
import { requireManageable } from "../../access/require.ts";
import type { UserRef } from "../../access/target.ts";
import { listApiKeysOfUser } from "../../api-keys/repository.ts";
import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent, createEventOpener } from "../../audit/events.ts";
import { listIdentitiesOfUser } from "../../authentication/identities/repository.ts";
import { listSessionsOfUser } from "../../authentication/sessions/repository.ts";
import type { Context } from "../../context.ts";
import type { Db } from "../../db/client.ts";
import type { Statement } from "../../db/statement.ts";
import { AppError } from "../../errors.ts";
import { mapPages } from "../../lib/json-stream.ts";
import { listMailOfUser } from "../../outbox/repository.ts";
import { findManagedUser } from "../users/repository.ts";
import {
  countCodesOfUser,
  findActivity,
  findExportable,
  findStoredProfile,
  listAttemptsOfUser,
  listEventsConcerning,
  listFactorsOfUser,
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
type List<Row> = (db: Db, user: UserRef, after: string, limit: number) => Statement<Row[]>;

/**
 * All data held on a user: the account, profile, sessions, API keys, second factors, linked identities, one-time tokens and login attempts without their secrets,
 * emails, and the audit events that concern the user. Personal data of others in these events is left out, their ids included.
 * Lists that can grow are read page by page when they are asked for. Every page is authorized like a request of its own, so
 * that a caller who loses their authority receives no further page. The export is recorded before anything is returned; its own event
 * may be in it. Throws `forbidden`, `user_not_found`, `privilege_escalation`.
 */
export async function exportUser(ctx: Context, request: ExportRequest): Promise<PersonalData> {
  const { db } = ctx;
  const { user: ref } = request;
  // One's own first pages are read in the same round trip. Others' are read once it is decided that the caller may.
  const isOwn = isCallersOwn(ctx, ref);
  const {
    acting,
    users,
    profiles,
    activity,
    tokens,
    attempts,
    factors,
    codes,
    identities,
    ...first
  } = await read(ctx, {
    users: findManagedUser(db, ref),
    profiles: findStoredProfile(db, ref),
    activity: findActivity(db, ref),
    tokens: listTokensOfUser(db, ref),
    attempts: listAttemptsOfUser(db, ref),
    factors: listFactorsOfUser(db, ref),
    codes: countCodesOfUser(db, ref),
    identities: listIdentitiesOfUser(db, ref),
    sessions: isOwn && listSessionsOfUser(db, ref, START, PAGE_ROWS),
    keys: isOwn && listApiKeysOfUser(db, ref, START, PAGE_ROWS),
    mails: isOwn && listMailOfUser(db, ref, START, PAGE_ROWS),
    events: isOwn && listEventsConcerning(db, ref, START, PAGE_ROWS),
  });
  const user = requireExportable(acting, users[0], request);
  const event = { action: "user.exported", targetType: "user", targetId: user.id } as const;
  await recordEvents(acting, [await createAuditEvent(acting, event)]);
  const pages = <Row extends { id: string }>(list: List<Row>, rows: Row[]) =>
    readPages(ctx, { ...request, user: user.id }, list, isOwn ? rows : undefined);
  const openEvent = await createEventOpener(ctx, user);
  return {
    exportedAt: ctx.now(),
    currentSessionId: acting.actor.type === "user" ? acting.actor.sessionId : null,
    user,
    profile: profiles[0],
    activity: activity[0] ?? { devices: 0, networks: 0, lastActiveDay: null, registeredDay: null },
    tokens,
    attempts,
    factors,
    recoveryCodesLeft: codes[0]?.left ?? 0,
    identities,
    sessions: pages(listSessionsOfUser, first.sessions),
    keys: pages(listApiKeysOfUser, first.keys),
    mails: pages(listMailOfUser, first.mails),
    events: mapPages(pages(listEventsConcerning, first.events), openEvent),
  };
}

async function* readPages<Row extends { id: string }>(
  ctx: Context,
  request: ExportRequest,
  list: List<Row>,
  first: Row[] | undefined,
): AsyncGenerator<Row[]> {
  const readAfter = async (id: string) => {
    const { acting, users, rows } = await read(ctx, {
      users: findExportable(ctx.db, request.user),
      rows: list(ctx.db, request.user, id, PAGE_ROWS),
    });
    requireExportable(acting, users[0], request);
    return rows as unknown as Row[];
  };
  let page = first ?? (await readAfter(START));
  for (;;) {
    const last = page.at(-1);
    if (!last) return;
    yield page;
    if (page.length < PAGE_ROWS) return;
    page = await readAfter(last.id);
  }
}

function requireExportable<
  U extends { id: string; deletedAt: number | null; permissions: string[] },
>(acting: Acting, user: U | undefined, { deleted }: ExportRequest): U {
  if (!user || (user.deletedAt !== null && !deleted)) throw new AppError("user_not_found");
  requireManageable(acting, user);
  return user;
}
