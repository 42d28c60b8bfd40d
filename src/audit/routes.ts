import { createRouter, jsonContent, operation } from "../access/operation.ts";
import { permission } from "../access/rule.ts";
import { PageQuery, presentPage } from "../http/pagination.ts";
import { getUnattributedPage } from "./list-unattributed.ts";
import { presentCount, UnattributedPage } from "./schema.ts";

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

export const auditRouter = createRouter().openapi(listUnattributedRoute, async (c) => {
  const query = c.req.valid("query");
  const page = await getUnattributedPage(c.get("ctx"), query);
  return c.json(presentPage(page, query.limit, presentCount), 200);
});
