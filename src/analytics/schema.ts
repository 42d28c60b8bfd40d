import { z } from "@hono/zod-openapi";
import { toDate } from "../lib/time.ts";
import type { DayCounts } from "./days.ts";
import { MAX_DAYS } from "./range.ts";
import type { Cohort } from "./retention.ts";
import type { Summary } from "./summary.ts";

const Count = z.int().min(0);

export const AnalyticsSummary = z
  .object({
    users: z
      .object({
        total: Count.openapi({ description: "Users who are not deleted.", example: 1840 }),
        active: Count.openapi({
          description: "Of these, users who are not deactivated.",
          example: 1822,
        }),
        verified: Count.openapi({
          description: "Of all, users with a verified email address.",
          example: 1701,
        }),
        with_mfa: Count.openapi({
          description: "Of all, users with a second factor.",
          example: 412,
        }),
      })
      .openapi("UserCounts"),
    sessions: z.object({
      live: Count.openapi({
        description: "Sessions that have neither ended nor expired.",
        example: 2310,
      }),
    }),
    active_users: z
      .object({
        day: Count.openapi({ description: "People active today.", example: 320 }),
        week: Count.openapi({
          description: "People active on the last 7 days, today included.",
          example: 810,
        }),
        month: Count.openapi({
          description: "People active on the last 30 days, today included.",
          example: 1290,
        }),
      })
      .openapi("ActiveUserCounts", {
        description:
          "A person is active on a day if they log in or refresh a session. Use of API keys does not count. People who were erased since then still count.",
      }),
  })
  .openapi("AnalyticsSummary");

const date = (description: string, example: string) =>
  z.iso.date().openapi({ description, example });

const AnalyticsDay = z
  .object({
    day: date("The day, in UTC.", "2026-11-20"),
    registrations: Count.openapi({
      description: "People who registered, also with a login provider, or accepted an invitation.",
      example: 12,
    }),
    logins: Count.openapi({ description: "Sessions that began.", example: 410 }),
    failed_logins: Count.openapi({
      description:
        "Failed logins to existing accounts, second factors and attempts during a lock-out excluded.",
      example: 23,
    }),
    active_users: Count.openapi({
      description: "People who logged in or refreshed a session.",
      example: 320,
    }),
    deletions: Count.openapi({
      description: "Accounts that were deleted, or erased without having been deleted before.",
      example: 2,
    }),
  })
  .openapi("AnalyticsDay");

export const AnalyticsDays = z
  .object({
    data: z.array(AnalyticsDay).openapi({ description: "One element per day, in order." }),
  })
  .openapi("AnalyticsDays");

const RetentionCohort = z
  .object({
    week: date("The Monday of the week in which these people registered.", "2026-11-02"),
    size: Count.openapi({
      description: "How many people registered in the week.",
      example: 50,
    }),
    returned: z.array(z.number().min(0).max(1)).openapi({
      description:
        "The share of them who were active in each week, from that of the registration, which is 1, to the current week. Rounded to 4 decimals.",
      example: [1, 0.6, 0.48],
    }),
  })
  .openapi("RetentionCohort");

export const RetentionCohorts = z
  .object({
    data: z.array(RetentionCohort).openapi({
      description: "One element per week with registrations, in order.",
    }),
  })
  .openapi("RetentionCohorts");

const LIMIT = `At most ${MAX_DAYS} days from \`from\` to \`to\`.`;

const To = z.iso
  .date()
  .optional()
  .openapi({
    description: `The last day, in UTC. By default, today. ${LIMIT}`,
    example: "2026-11-20",
  });

export const DailyQuery = z.strictObject({
  from: z.iso.date().optional().openapi({
    description: "The first day, in UTC. By default, 29 days before `to`.",
    example: "2026-11-01",
  }),
  to: To,
});

export const RetentionQuery = z.strictObject({
  from: z.iso.date().optional().openapi({
    description:
      "The first day, in UTC. The week that contains it is included. By default, eleven weeks before that of `to`.",
    example: "2026-11-01",
  }),
  to: To,
});

export function presentSummary(summary: Summary): z.infer<typeof AnalyticsSummary> {
  const { total, active, verified, withMfa } = summary.users;
  const { day, week, month } = summary.activeUsers;
  return {
    users: { total, active, verified, with_mfa: withMfa },
    sessions: { live: summary.liveSessions },
    active_users: { day, week, month },
  };
}

export function presentDay(counts: DayCounts): z.infer<typeof AnalyticsDay> {
  return {
    day: toDate(counts.day),
    registrations: counts.registrations,
    logins: counts.logins,
    failed_logins: counts.failedLogins,
    active_users: counts.activeUsers,
    deletions: counts.deletions,
  };
}

export function presentCohort({ week, size, returned }: Cohort): z.infer<typeof RetentionCohort> {
  return { week: toDate(week), size, returned };
}
