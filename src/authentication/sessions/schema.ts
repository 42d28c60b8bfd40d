import { z } from "@hono/zod-openapi";
import { MAX_TOKEN_LENGTH, opaqueText, Timestamp } from "../../http/fields.ts";
import { pageOf } from "../../http/pagination.ts";
import { idParam, UserIdParam } from "../../http/params.ts";
import { toTimestamp } from "../../lib/time.ts";
import type { SessionRow } from "./repository.ts";

export const Session = z
  .object({
    id: z.uuid(),
    current: z.boolean().openapi({ description: "Whether this is the session of the request." }),
    created_at: Timestamp,
    last_used_at: Timestamp.openapi({
      description: "The time of the last refresh, or else of the login.",
    }),
    expires_at: Timestamp,
    ip: z.string().nullable().openapi({ example: "203.0.113.7" }),
    user_agent: z.string().nullable(),
    country: z.string().nullable().openapi({ example: "CH" }),
  })
  .openapi("Session");

export const SessionPage = pageOf(Session, "SessionPage");

/** Creates a function that presents a session as the API returns it. The session with the id given is marked as current. */
export function presentSession(currentSessionId: string | null) {
  return (row: SessionRow): z.infer<typeof Session> => ({
    id: row.id,
    current: row.id === currentSessionId,
    created_at: toTimestamp(row.createdAt),
    last_used_at: toTimestamp(row.lastUsedAt),
    expires_at: toTimestamp(row.expiresAt),
    ip: row.ip,
    user_agent: row.userAgent,
    country: row.country,
  });
}

const DESCRIPTION = "The session's id.";

export const OwnSessionParams = z.strictObject({ id: idParam("id", DESCRIPTION) });
export const UserSessionsParams = z.strictObject({ id: UserIdParam });
export const UserSessionParams = z.strictObject({
  id: UserIdParam,
  session_id: idParam("session_id", DESCRIPTION),
});

export const Tokens = z
  .object({
    access_token: z
      .string()
      .openapi({ description: "A JWT, signed with EdDSA. Send it as a bearer token." }),
    refresh_token: z.string().optional().openapi({
      description: "Works for one refresh. Absent if it is in the cookie (`stay_signed_in`).",
    }),
    token_type: z.literal("Bearer"),
    expires_in: z
      .int()
      .openapi({ description: "Seconds until the access token expires.", example: 900 }),
    refresh_expires_in: z
      .int()
      .openapi({ description: "Seconds until the refresh token expires.", example: 604_800 }),
  })
  .openapi("Tokens");
export type Tokens = z.infer<typeof Tokens>;

export const Refresh = z
  .strictObject({ refresh_token: opaqueText(MAX_TOKEN_LENGTH) })
  .openapi("Refresh");
export type Refresh = z.infer<typeof Refresh>;

/** Whether a browser stays signed in. A member of the body of every way to log in. */
export const StaySignedIn = z
  .boolean()
  .optional()
  .openapi("StaySignedIn", {
    description:
      "`true` puts the refresh token into an HttpOnly cookie instead of the response. Only for pages of Roster itself: from elsewhere, 403 " +
      "`origin_not_allowed`.",
  });
