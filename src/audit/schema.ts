import { z } from "@hono/zod-openapi";
import { Timestamp } from "../http/fields.ts";
import { pageOf } from "../http/pagination.ts";
import { toTimestamp } from "../lib/time.ts";
import type { UnattributedRow } from "./repository.ts";
import { UNATTRIBUTED_ACTIONS } from "./unattributed.ts";

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
