import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import type { Paged } from "../lib/json-stream.ts";
import { recordEvents } from "./commit.ts";
import { createAuditEvent } from "./events.ts";
import { cut, toFilter } from "./list.ts";
import { type EventFilter, type ListedEvent, listEvents } from "./list-repository.ts";
import type { ListAuditEventsQuery } from "./schema.ts";

/** How many events are read per round trip. Only one page is in memory at a time. */
const PAGE_ROWS = 500;

/**
 * All events that the filters select, the newest first, page by page. The export is recorded before the first page is returned,
 * and does not contain its own event. Every page is authorized like a request of its own. Throws `forbidden`.
 */
export async function exportEvents(
  ctx: Context,
  query: ListAuditEventsQuery,
): Promise<Paged<ListedEvent>> {
  const filter = toFilter(query);
  const { acting, ...first } = await readPage(ctx, filter, undefined);
  const { actor_id, target_id, action, from, to } = query;
  const sent = Object.entries({ actor_id, target_id, action, from, to });
  const given = sent.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const event = await createAuditEvent(acting, {
    action: "audit.exported",
    targetType: "audit_event",
    targetId: null,
    metadata: Object.fromEntries(given),
  });
  await recordEvents(acting, [event]);
  return readPages(ctx, filter, first);
}

async function* readPages(
  ctx: Context,
  filter: EventFilter,
  first: ReturnType<typeof cut>,
): AsyncGenerator<ListedEvent[]> {
  let page = first;
  for (;;) {
    yield page.shown;
    if (page.last === null) return;
    page = await readPage(ctx, filter, page.last);
  }
}

async function readPage(ctx: Context, filter: EventFilter, before: string | undefined) {
  const { acting, events } = await read(ctx, {
    events: listEvents(ctx.db, filter, { before, limit: PAGE_ROWS + 1 }),
  });
  return { acting, ...cut(events, filter, PAGE_ROWS) };
}
