import { z } from "@hono/zod-openapi";
import { Timestamp } from "../http/fields.ts";
import { filterQuery, PageQuery, pageOf } from "../http/pagination.ts";
import { UserIdParam } from "../http/params.ts";
import { parseId } from "../lib/ids.ts";
import { toTimestamp } from "../lib/time.ts";
import { ACTOR_TYPES, AUDIT_ACTIONS, TARGET_TYPES } from "./events.ts";
import type { UnattributedRow } from "./repository.ts";
import { UNATTRIBUTED_ACTIONS } from "./unattributed.ts";

const moment = (description: string) =>
  z.iso
    .datetime({ offset: true })
    .transform((time) => Date.parse(time))
    .optional()
    .openapi({
      type: "string",
      format: "date-time",
      description,
      example: "2026-11-20T08:00:00Z",
    });

const idFilter = (description: string) =>
  z
    .string()
    .min(1)
    .max(100)
    .overwrite((id) => parseId(id) ?? id)
    .optional()
    .openapi({ description, example: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11" });

const Action = z.enum(AUDIT_ACTIONS).openapi("AuditAction", { example: "user.updated" });

const filters = {
  action: Action.optional().openapi({ param: { description: "Only events with this action." } }),
  from: moment("Only events of this time or later."),
  to: moment("Only events before this time."),
};

const { limit, cursor } = PageQuery.shape;

/** The trail grows without bound, so there is no `skip`, which would count it. */
export const ListUserAuditEventsQuery = z.strictObject({ limit, cursor, ...filters });
export type ListUserAuditEventsQuery = z.infer<typeof ListUserAuditEventsQuery>;

const listParams = {
  limit,
  cursor,
  format: z
    .enum(["json", "ndjson"])
    .default("json")
    .openapi({
      description:
        "`json` returns a page. `ndjson` streams all events that the filters select, one per line; needs audit:export. It ignores `limit`, " +
        "and cannot be combined with `cursor`.",
    }),
  actor_id: idFilter("Only what this user or API key did."),
  target_id: idFilter("Only what concerned this user, role, permission or API key."),
  ...filters,
};

export const ListAuditEventsQuery = filterQuery(listParams, [
  {
    path: "cursor",
    message: "Cannot be combined with `format=ndjson`, which has no pages. Leave one of them out.",
    isSent: ({ cursor: sent, format }) => sent !== undefined && format === "ndjson",
  },
]);
export type ListAuditEventsQuery = z.infer<typeof ListAuditEventsQuery>;

export const UserEventsParams = z.strictObject({ id: UserIdParam });

const Change = z
  .object({
    from: z.unknown().openapi({ description: "The value before. Null: none." }),
    to: z.unknown().openapi({ description: "The value after. Null: none." }),
  })
  .openapi("Change", { required: ["from", "to"] });

export const AuditEvent = z
  .object({
    id: z.uuid(),
    action: Action,
    actor_id: z
      .string()
      .nullable()
      .openapi({
        description:
          "The user or API key that acted; the owner of a key is `metadata.user_id`. Null for users who read their own events, if " +
          "another person, or another person's key, acted.",
      }),
    actor_type: z.enum(ACTOR_TYPES),
    target_type: z.enum(TARGET_TYPES).nullable(),
    target_id: z.string().nullable().openapi({
      description:
        "What the action changed or concerned. Null for users who read their own events, if it was another person.",
    }),
    changes: z
      .record(z.string(), z.union([Change, z.null()]))
      .openapi({ description: "By field. Null if the values are not recorded or were erased." }),
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    request_id: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()).openapi({
      type: "object",
      additionalProperties: true,
      description: "Further details, such as a session id. Never personal data.",
    }),
    created_at: Timestamp,
    erased: z.literal(true).optional().openapi({
      description:
        "Present if part of the event can no longer be read, because the user it concerned was erased.",
    }),
  })
  .openapi("AuditEvent");

export const AuditEventPage = pageOf(AuditEvent, "AuditEventPage");

export const UnattributedCount = z
  .object({
    hour: Timestamp.openapi({ description: "The start of the hour." }),
    action: z.enum(UNATTRIBUTED_ACTIONS),
    network: z.string().openapi({
      description: "The /24 of an IPv4 address, or the /48 of an IPv6 address.",
      example: "192.0.2.0/24",
    }),
    subject_id: z.string().nullable().openapi({
      description:
        "The user or the API key that was refused, or the account whose lock-out was in force. Null if none is known.",
    }),
    count: z.int().openapi({ example: 12 }),
  })
  .openapi("UnattributedCount");

export const UnattributedPage = pageOf(UnattributedCount, "UnattributedPage");

/** A count as the API returns it. */
export function presentCount(row: UnattributedRow): z.infer<typeof UnattributedCount> {
  return {
    hour: toTimestamp(row.hour),
    action: row.action as z.infer<typeof UnattributedCount>["action"],
    network: row.network,
    subject_id: row.subjectId || null,
    count: row.count,
  };
}
