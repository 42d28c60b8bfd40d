import { type Acting, read } from "../access/read.ts";
import type { UserRef } from "../access/target.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { sealCursor } from "../lib/cursor.ts";
import { invalidCursor, openPage, type Page } from "../paging.ts";
import { createEventOpener, type OpenedAuditEvent, openAuditEvent } from "./events.ts";
import {
  countExamined,
  type EventFilter,
  type ListedEvent,
  listEvents,
} from "./list-repository.ts";
import { findPerson } from "./repository.ts";
import type { ListAuditEventsQuery, ListUserAuditEventsQuery } from "./schema.ts";

type EventPage = Page<OpenedAuditEvent>;

/**
 * A page of the audit trail, the newest events first. Where no index has exactly what the filters select, a page can be shorter
 * than the limit, or empty, and still have a next one (see `listEvents`). Throws `forbidden`.
 */
export async function getEventPage(ctx: Context, query: ListAuditEventsQuery): Promise<EventPage> {
  const filter = toFilter(query);
  const list = { scope: `audit events ${JSON.stringify(filter)}`, keys: ctx.config.macKeys };
  const [before] = (await openPage(list, query)) ?? [];
  const part = toPart(before, query.limit);
  const { events } = await read(ctx, { events: listEvents(ctx.db, filter, part) });
  const { shown, last } = cut(events, filter, query.limit);
  return {
    items: await Promise.all(shown.map((event) => openAuditEvent(ctx, event))),
    nextCursor: last && (await sealCursor([last], list.scope, list.keys)),
  };
}

/**
 * A page of the events that concern a user, deleted or not: as their target, their actor, or the owner of the API key that acted.
 * Callers without audit:read see their own, without the personal data and the ids of other people, as in the export of their
 * data. Throws `forbidden`, `user_not_found`.
 */
export async function getUserEventPage(
  ctx: Context,
  user: UserRef,
  query: ListUserAuditEventsQuery,
): Promise<EventPage> {
  const selected = toFilter(query);
  const list = { scope: `user events ${JSON.stringify(selected)}`, keys: ctx.config.macKeys };
  // A cursor is bound to the user, whose id may be known only after the read.
  const [before, ofUser] = (await openPage(list, query)) ?? [];
  const filter = { ...selected, concerning: user };
  const { acting, people, events } = await read(ctx, {
    people: findPerson(ctx.db, user),
    events: listEvents(ctx.db, filter, toPart(before, query.limit)),
  });
  const [person] = people;
  if (!person) throw new AppError("user_not_found");
  if (before !== undefined && ofUser !== person.id) throw invalidCursor();
  const { shown, last } = cut(events, filter, query.limit);
  const open = isAuditor(acting)
    ? (event: ListedEvent) => openAuditEvent(ctx, event)
    : await createEventOpener(ctx, person);
  return {
    items: await Promise.all(shown.map(open)),
    nextCursor: last && (await sealCursor([last, person.id], list.scope, list.keys)),
  };
}

function isAuditor({ actor }: Acting): boolean {
  return actor.permissions.includes("audit:read");
}

// One more event shows that there is a next page.
function toPart(before: unknown, limit: number) {
  return { before: before as string | undefined, limit: limit + 1 };
}

/** The events of a page, and the id after which the next one goes on; null if there is none. */
export function cut(
  events: readonly ListedEvent[],
  filter: EventFilter,
  limit: number,
): { shown: ListedEvent[]; last: string | null } {
  const selected = events.filter(({ isSelected }) => isSelected);
  const shown = selected.slice(0, limit);
  if (selected.length > limit) return { shown, last: shown.at(-1)?.id ?? null };
  const examined = events.at(-1);
  const hasMore = examined?.place === countExamined(filter, limit + 1);
  return { shown, last: hasMore ? examined.id : null };
}

/** What the parameters of a list select. */
export function toFilter(query: Partial<ListAuditEventsQuery>): EventFilter {
  const { actor_id: actorId, target_id: targetId, action, from, to } = query;
  return { actorId, targetId, action, from, to };
}
