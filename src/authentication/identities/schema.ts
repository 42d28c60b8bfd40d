import { z } from "@hono/zod-openapi";
import { Timestamp } from "../../http/fields.ts";
import { pageOf } from "../../http/pagination.ts";
import { idParam } from "../../http/params.ts";
import { toTimestamp, toTimestampOrNull } from "../../lib/time.ts";
import type { IdentityRow } from "./repository.ts";

export const Identity = z
  .object({
    id: z.uuid(),
    provider: z.string().openapi({ description: "The id of the provider.", example: "google" }),
    subject: z.string().openapi({
      description: "The id of the account at the provider. It never changes.",
      example: "110169484474386276334",
    }),
    email: z.string().nullable().openapi({
      description: "The address that the provider named last. It identifies nobody.",
      example: "ada@example.com",
    }),
    created_at: Timestamp,
    last_used_at: Timestamp.nullable(),
  })
  .openapi("Identity");

export const IdentityPage = pageOf(Identity, "IdentityPage");

export const IdentityParams = z.strictObject({ id: idParam("id", "The identity's id.") });

/** An identity as the API shows it. */
export function presentIdentity(
  row: Omit<IdentityRow, "userId" | "issuer">,
): z.infer<typeof Identity> {
  return {
    id: row.id,
    provider: row.provider,
    subject: row.subject,
    email: row.email,
    created_at: toTimestamp(row.createdAt),
    last_used_at: toTimestampOrNull(row.lastUsedAt),
  };
}
