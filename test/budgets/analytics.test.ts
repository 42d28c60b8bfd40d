import { expect, it } from "vitest";
import { send } from "../support/api.ts";
import { expectWithin, withProductionLimits } from "../support/budgets.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";

/** A day for each of the last 400, with cohorts that are not rolled up on the latest. */
const DAYS = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399)
  INSERT INTO analytics_days (day, registrations, logins, active_users, gaps, cohorts)
  SELECT ?1 - i, 5, 9, 9, '{"1":4,"30":5}', iif(i = 0, json_object(CAST(?1 - 7 AS TEXT), 3), NULL) FROM n WHERE true
  ON CONFLICT (day) DO UPDATE SET registrations = 5`;

const COHORTS = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 51)
  INSERT INTO analytics_cohorts SELECT c.i, w.i, 1 FROM
  (SELECT ?1 - i * 7 AS i FROM n) AS c JOIN (SELECT ?1 - i * 7 AS i FROM n) AS w ON w.i > c.i`;

it("analytics read one row per day, one per cohort and week, and the latest events", async () => {
  const { token } = await createTestUser("admin");
  const today = Math.floor(Date.now() / 86_400_000);
  await sqlRun(DAYS, today);
  await sqlRun(COHORTS, today - ((today + 3) % 7));
  const bindings = withProductionLimits();
  const budget = { trips: 1, rowsWritten: 0, kv: 0 };
  const daily = await send("/v1/analytics/daily", { token, bindings });
  expectWithin(daily, { ...budget, rowsRead: 30 + 12 });
  const retention = await send("/v1/analytics/retention", { token, bindings });
  expectWithin(retention, { ...budget, rowsRead: 2 * 12 * 7 + (12 * 11) / 2 + 12 });
  const summary = await send("/v1/analytics/summary", { token, bindings });
  expectWithin(summary, { ...budget, rowsRead: 30 + 12 });
  expect(summary.body.active_users).toEqual({ day: 1, week: 35, month: 150 });
});
