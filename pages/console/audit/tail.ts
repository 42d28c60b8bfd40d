import { useCallback, useRef, useState } from "preact/hooks";
import type { RosterProblem } from "roster-client";
import { toProblem } from "../../shared/problem.ts";
import { usePoll } from "../../ui/poll.ts";
import { type AuditEvent, type EventPage, type Filters, readEvents } from "./data.ts";

/** Pauses between two requests: they grow while nothing happens, because requests are limited per hour. */
const PAUSE_MS = { shortest: 5000, longest: 15_000, growth: 1.5 };
/** An event can become visible a little later than a newer one. */
const OVERLAP_MS = 10_000;
const BATCH = 100;
/** The number of events that stay on the page. */
const MAX_EVENTS = 300;

interface TailOptions {
  /** The page of newest events as it is shown. */
  page: EventPage | undefined;
  filters: Filters;
  /** Shows the page with the new events. */
  onPage: (page: EventPage) => void;
}

/** Adds new events to the page while it is on. Stops at the first problem. */
export function useTail({ page, filters, onPage }: TailOptions) {
  const [isOn, setOn] = useState(false);
  const [problem, setProblem] = useState<RosterProblem>();
  const [newIds, setNewIds] = useState<ReadonlySet<string>>(new Set());
  const pauseMs = useRef(PAUSE_MS.shortest);
  const turn = useCallback((on: boolean) => {
    pauseMs.current = PAUSE_MS.shortest;
    setProblem(undefined);
    setNewIds(new Set());
    setOn(on);
  }, []);
  const look = async () => {
    if (!page) return pauseMs.current;
    try {
      const { fresh, next } = await readNewer(page, filters);
      setNewIds(new Set(fresh.map(({ id }) => id)));
      if (fresh.length > 0) onPage(next);
      pauseMs.current = fresh.length > 0 ? PAUSE_MS.shortest : lengthen(pauseMs.current);
      return pauseMs.current;
    } catch (error) {
      setOn(false);
      setProblem(toProblem(error));
      return undefined;
    }
  };
  usePoll(look, isOn, 0);
  return { isOn, turn, problem, newIds };
}

function lengthen(pauseMs: number): number {
  return Math.min(pauseMs * PAUSE_MS.growth, PAUSE_MS.longest);
}

/** The events that the page does not have, and the page with them. */
async function readNewer(page: EventPage, filters: Filters) {
  const since = { ...filters, ...findStart(page.data, filters.from) };
  const { data, pagination } = await readEvents(since, { limit: BATCH });
  const fresh = findFresh(data, page.data);
  if (!pagination.next_cursor && page.data.length + fresh.length <= MAX_EVENTS) {
    return { fresh, next: merge(fresh, page) };
  }
  // Too many to add: the page becomes that of the newest events, and the others are on the next pages.
  const next = await readEvents(filters, { limit: BATCH });
  return { fresh: findFresh(next.data, page.data), next };
}

// Events that are older than those on the page are on the next pages.
function findFresh(events: readonly AuditEvent[], shown: readonly AuditEvent[]): AuditEvent[] {
  const known = new Set(shown.map(({ id }) => id));
  const oldest = shown.at(-1)?.id ?? "";
  return events.filter(({ id }) => id > oldest && !known.has(id));
}

function findStart(events: readonly AuditEvent[], from: string | undefined): { from?: string } {
  const newest = events[0]?.created_at;
  if (newest === undefined) return {};
  const start = Date.parse(newest) - OVERLAP_MS;
  return from && Date.parse(from) > start ? {} : { from: new Date(start).toISOString() };
}

// Ids grow with time.
function merge(fresh: readonly AuditEvent[], { data, pagination }: EventPage): EventPage {
  return { data: [...fresh, ...data].sort((a, b) => (a.id < b.id ? 1 : -1)), pagination };
}
