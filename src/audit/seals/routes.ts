import { createRouter, jsonContent, operation } from "../../access/operation.ts";
import { permission } from "../../access/rule.ts";
import { PageQuery, presentPage } from "../../http/pagination.ts";
import { getSealPage } from "./list.ts";
import { AuditSealPage, presentSeal } from "./schema.ts";

const listSealsRoute = operation({
  method: "get",
  path: "/v1/audit-events/seals",
  operationId: "listAuditSeals",
  tags: ["Audit"],
  summary: "List the seals of the audit trail",
  description:
    "Each day of the audit trail is sealed at the earliest one hour after its end, days without events included: with a digest of its events that " +
    "is chained to the one of the day before, and a signature. Newest first. A copy of the seals that is kept elsewhere proves later " +
    "that no event was changed, added or removed. `npm run audit -- verify` checks them.",
  access: permission("audit:read"),
  request: { query: PageQuery },
  responses: { 200: jsonContent(AuditSealPage, "A page of seals.") },
  errors: [],
});

export const sealsRouter = createRouter().openapi(listSealsRoute, async (c) => {
  const query = c.req.valid("query");
  const page = await getSealPage(c.get("ctx"), query);
  return c.json(presentPage(page, query.limit, presentSeal), 200);
});
