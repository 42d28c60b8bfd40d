import { type components, ok, type operations } from "roster-client";
import { api } from "../../shared/api.ts";

export type AuditEvent = components["schemas"]["AuditEvent"];

/** A page of events, as far as it is shown. */
export interface EventPage {
  data: AuditEvent[];
  /** `next_cursor` is null on the last page. */
  pagination: { next_cursor: string | null };
}

type Query = NonNullable<operations["listAuditEvents"]["parameters"]["query"]>;

/** The names of the filters, as in the API and in the page's address. */
const FILTERS = ["actor_id", "target_id", "action", "from", "to"] as const;

export type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

/** The filters in the query of the page's address. */
export function readFilters(query: Readonly<Record<string, string>>): Filters {
  return Object.fromEntries(
    FILTERS.flatMap((name) => (query[name] ? [[name, query[name]]] : [])),
  ) as Filters;
}

/** A page of events. What the address says may be no valid filter: then the service refuses it. */
export function readEvents(
  filters: Filters,
  page: { limit: number; cursor?: string },
): Promise<EventPage> {
  const query = { ...(filters as Query), ...page };
  // The other answer is NDJSON, which has its own `format`.
  return ok(api.GET("/v1/audit-events", { params: { query } })) as Promise<EventPage>;
}

/** The address of the audit section with these values in its query. Empty ones are left out. */
export function toAddress(values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const query = new URLSearchParams(pairs).toString();
  return query ? `/console/audit?${query}` : "/console/audit";
}
