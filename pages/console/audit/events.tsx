import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Show } from "../../ui/load.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { type AuditEvent, readEvents, readFilters } from "./data.ts";
import { EventLine } from "./event-line.tsx";
import { ExportEvents } from "./export-events.tsx";
import { EventFilters } from "./filters.tsx";
import { useNames } from "./names.ts";
import { useTail } from "./tail.ts";

const PAGE_SIZE = 25;

/** The events, the newest first, with filters and a live view. */
export function Events() {
  const { audit: texts } = useTexts();
  const { query } = useLocation();
  const mayExport = useSession()?.permissions.has("audit:export");
  const filters = readFilters(query);
  const key = JSON.stringify(filters);
  const pages = usePages((cursor) => readEvents(filters, { limit: PAGE_SIZE, ...cursor }), [key]);
  const { loaded, cursors } = pages;
  const { data, setData } = loaded;
  const canTail = cursors.length === 0 && !filters.to;
  const { turn, ...tail } = useTail({ page: data, filters, onPage: setData });
  // Another list begins without the live view.
  useEffect(() => turn(false), [key, cursors.length, turn]);
  return (
    <>
      <EventFilters key={key} filters={filters} />
      <div class="toolbar">
        {canTail && (
          <label class="switch">
            <input
              type="checkbox"
              role="switch"
              aria-checked={tail.isOn}
              checked={tail.isOn}
              onChange={(event) => turn(event.currentTarget.checked)}
            />
            <span>
              {texts.live} <span class="hint">{texts.liveHint}</span>
            </span>
          </label>
        )}
        {mayExport && <ExportEvents filters={filters} />}
      </div>
      <p class="hidden" role="status">
        {tail.newIds.size > 0 && texts.arrived(tail.newIds.size)}
      </p>
      {tail.problem && (
        <>
          <Notice kind="warning">{texts.liveStopped}</Notice>
          <ProblemNotice problem={tail.problem} />
        </>
      )}
      <Show of={loaded}>
        {({ data: events, pagination }) => (
          <>
            <EventList
              events={events}
              newIds={tail.newIds}
              hasMore={pagination.next_cursor !== null}
            />
            <Pager of={pages} />
          </>
        )}
      </Show>
    </>
  );
}

interface ListProps {
  events: AuditEvent[];
  newIds: ReadonlySet<string>;
  hasMore: boolean;
}

function EventList({ events, newIds, hasMore }: ListProps) {
  const { audit: texts } = useTexts();
  const names = useNames(events);
  if (events.length === 0) return <p>{hasMore ? texts.noneHere : texts.none}</p>;
  return (
    <ol class="events" aria-label={texts.list}>
      {events.map((event) => (
        <li key={event.id} class={newIds.has(event.id) ? "new" : ""}>
          <EventLine event={event} names={names} />
        </li>
      ))}
    </ol>
  );
}
