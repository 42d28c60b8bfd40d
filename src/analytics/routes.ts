import { createRouter, jsonContent, operation } from "../access/operation.ts";
import { permission } from "../access/rule.ts";
import { getDaily } from "./daily.ts";
import { getRetention } from "./retention.ts";
import {
  AnalyticsDays,
  AnalyticsSummary,
  DailyQuery,
  presentCohort,
  presentDay,
  presentSummary,
  RetentionCohorts,
  RetentionQuery,
} from "./schema.ts";
import { getSummary } from "./summary.ts";

const tags = ["Analytics"];

const summaryRoute = operation({
  method: "get",
  path: "/v1/analytics/summary",
  operationId: "getAnalyticsSummary",
  tags,
  summary: "Count users, sessions and active people",
  description:
    "Counts at the moment of the request. Its cost grows with the number of users and sessions: for numbers over time, use the other operations or `GET /metrics`.",
  access: permission("analytics:read"),
  responses: { 200: jsonContent(AnalyticsSummary, "The counts.") },
  errors: [],
});

const dailyRoute = operation({
  method: "get",
  path: "/v1/analytics/daily",
  operationId: "listAnalyticsDays",
  tags,
  summary: "Count what happened on each day",
  description:
    "Days are in UTC. Counts are exact, and include what has happened today. What is later deleted or erased stays counted. Days before the release that introduced analytics are 0.",
  access: permission("analytics:read"),
  request: { query: DailyQuery },
  responses: { 200: jsonContent(AnalyticsDays, "The days.") },
  errors: [],
});

const retentionRoute = operation({
  method: "get",
  path: "/v1/analytics/retention",
  operationId: "listRetentionCohorts",
  tags,
  summary: "Show how many people return, by the week of their registration",
  description:
    "A person returns in a week if they log in or refresh a session on one of its days. Weeks begin on Mondays, in UTC. The current week is included as far as it has passed.",
  access: permission("analytics:read"),
  request: { query: RetentionQuery },
  responses: { 200: jsonContent(RetentionCohorts, "The cohorts.") },
  errors: [],
});

export const analyticsRouter = createRouter()
  .openapi(summaryRoute, async (c) => c.json(presentSummary(await getSummary(c.get("ctx"))), 200))
  .openapi(dailyRoute, async (c) => {
    const days = await getDaily(c.get("ctx"), c.req.valid("query"));
    return c.json({ data: days.map(presentDay) }, 200);
  })
  .openapi(retentionRoute, async (c) => {
    const cohorts = await getRetention(c.get("ctx"), c.req.valid("query"));
    return c.json({ data: cohorts.map(presentCohort) }, 200);
  });
