import { createRouter, jsonContent, linesContent, operation } from "../access/operation.ts";
import type { Permission } from "../access/permissions.ts";
import { byAction, ownOr, permission } from "../access/rule.ts";
import { targetUser } from "../access/target.ts";
import { streamLines } from "../http/json-stream.ts";
import { PageQuery, presentPage } from "../http/pagination.ts";
import { mapPages } from "../lib/json-stream.ts";
import { type OpenedAuditEvent, openAuditEvent } from "./events.ts";
import { exportEvents } from "./export.ts";
import { getEventPage, getUserEventPage } from "./list.ts";
import { getUnattributedPage } from "./list-unattributed.ts";
import {
  AuditEvent,
  AuditEventPage,
  ListAuditEventsQuery,
  ListUserAuditEventsQuery,
  presentCount,
  UnattributedPage,
  UserEventsParams,
} from "./schema.ts";

const PAGES =
  "A request examines at most 1,000 events. A page of a filtered list can therefore have fewer items than `limit`, or none, while " +
  "`has_more` is true: go on with `next_cursor`.";

const PAGE = jsonContent(AuditEventPage, "A page of events, or all events, one per line.");

const FORMAT_NEEDS = new Map<string, [Permission]>([
  ["json", ["audit:read"]],
  ["ndjson", ["audit:export"]],
]);

const listEventsRoute = operation({
  method: "get",
  path: "/v1/audit-events",
  operationId: "listAuditEvents",
  tags: ["Audit"],
  summary: "List audit events",
  description:
    `Lists what happened, the newest first. Filters can be combined. ${PAGES} With \`format=ndjson\`, streams all events that the ` +
    "filters select instead. That is recorded as `audit.exported`. If it cannot be completed, the transfer breaks off within a line: " +
    "discard what does not end with a line feed, and try again.",
  access: byAction("audit:read", "audit:export"),
  queryNeeds: ({ format = "json" }) => FORMAT_NEEDS.get(format) ?? [],
  request: { query: ListAuditEventsQuery },
  responses: {
    200: {
      ...PAGE,
      content: { ...PAGE.content, ...linesContent(AuditEvent, "").content },
    },
  },
  errors: [],
});

const listEventsOfUserRoute = operation({
  method: "get",
  path: "/v1/users/{id}/audit-events",
  operationId: "listUserAuditEvents",
  tags: ["Audit"],
  summary: "List the audit events that concern a user",
  description:
    "Lists the events that have the user as their target, as their actor, or as the owner of the API key that acted, the newest first. " +
    "Deleted users are found. Erased users are not: use the filters of `GET /v1/audit-events`. Without audit:read, you see your own, without the personal data and the ids of other " +
    `people. ${PAGES}`,
  access: ownOr("audit:read"),
  request: { params: UserEventsParams, query: ListUserAuditEventsQuery },
  responses: { 200: jsonContent(AuditEventPage, "A page of events.") },
  errors: ["user_not_found"],
});

const listUnattributedRoute = operation({
  method: "get",
  path: "/v1/audit-events/unattributed",
  operationId: "listUnattributedEvents",
  tags: ["Audit"],
  summary: "List counts of events that concern no known account",
  description:
    "Failed logins, lock-outs and password resets for unknown names are counted instead of being recorded as events. So are " +
    "attempts during a lock-out (`auth.login_blocked`) and refusals for lack of a permission (`access.denied`). Newest first. " +
    "Counts are kept for `AUDIT_ORIGIN_DAYS`, by default 90.",
  access: permission("audit:read"),
  request: { query: PageQuery },
  responses: {
    200: jsonContent(UnattributedPage, "A page of counts per hour, action, network and subject."),
  },
  errors: [],
});

export const auditRouter = createRouter()
  .openapi(listEventsRoute, async (c) => {
    const query = c.req.valid("query");
    const ctx = c.get("ctx");
    if (query.format === "ndjson") {
      const pages = await exportEvents(ctx, query);
      // Hono's types know no response of this content type.
      return streamLines(
        c,
        mapPages(pages, (event) => openAuditEvent(ctx, event)),
      ) as never;
    }
    const page = await getEventPage(ctx, query);
    return c.json(presentPage(page, query.limit, toItem), 200);
  })
  .openapi(listEventsOfUserRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getUserEventPage(c.get("ctx"), targetUser(c), query);
    return c.json(presentPage(page, query.limit, toItem), 200);
  })
  .openapi(listUnattributedRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getUnattributedPage(c.get("ctx"), query);
    return c.json(presentPage(page, query.limit, presentCount), 200);
  });

// Events are opened in the form in which the API returns them.
function toItem(event: OpenedAuditEvent) {
  return event;
}
