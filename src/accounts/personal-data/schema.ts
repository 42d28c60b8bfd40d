import { z } from "@hono/zod-openapi";
import type { ApiKeyRow } from "../../api-keys/repository.ts";
import { ApiKey, presentApiKey } from "../../api-keys/schema.ts";
import type { SessionRow } from "../../authentication/sessions/repository.ts";
import { presentSession, Session } from "../../authentication/sessions/schema.ts";
import { Timestamp } from "../../http/fields.ts";
import { toTimestamp, toTimestampOrNull } from "../../lib/time.ts";
import type { ProfileValues } from "../profiles/repository.ts";
import { Profile, presentProfile } from "../profiles/schema.ts";
import type { UserRow } from "../users/repository.ts";
import { presentUser, User } from "../users/schema.ts";

const AuditEvent = z
  .object({
    id: z.uuid(),
    action: z.string().openapi({ example: "user.updated" }),
    actor_id: z.string().nullable(),
    actor_type: z.string().openapi({ example: "user" }),
    target_type: z.string().nullable(),
    target_id: z.string().nullable(),
    changes: z
      .record(z.string(), z.object({ from: z.unknown(), to: z.unknown() }).nullable())
      .openapi({ type: "object", additionalProperties: true }),
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

export const UserExport = z
  .object({
    exported_at: Timestamp,
    user: User,
    profile: Profile,
    sessions: z.array(Session.extend({ ended_at: Timestamp.nullable() }).openapi("PastSession")),
    api_keys: z.array(ApiKey),
    mails: z.array(
      z.object({
        kind: z.string().openapi({ example: "verify_email" }),
        address: z.string().openapi({ example: "ada@example.com" }),
        created_at: Timestamp,
        sent_at: Timestamp.nullable(),
      }),
    ),
    audit_events: z.array(AuditEvent),
  })
  .openapi("UserExport");

/** All data held on a user. */
export interface PersonalData {
  exportedAt: number;
  /** The session of the request; null for an API key. */
  currentSessionId: string | null;
  user: UserRow;
  profile: ProfileValues;
  sessions: readonly SessionRow[];
  keys: readonly ApiKeyRow[];
  mails: readonly { kind: string; address: string; createdAt: number; sentAt: number | null }[];
  events: z.infer<typeof AuditEvent>[];
}

/** The document that the API returns, field by field. */
export function presentExport(data: PersonalData): z.infer<typeof UserExport> {
  const present = presentSession(data.currentSessionId);
  return {
    exported_at: toTimestamp(data.exportedAt),
    user: presentUser(data.user),
    profile: presentProfile(data.profile),
    sessions: data.sessions.map((session) => ({
      ...present(session),
      ended_at: toTimestampOrNull(session.revokedAt),
    })),
    api_keys: data.keys.map(presentApiKey),
    mails: data.mails.map(({ kind, address, createdAt, sentAt }) => ({
      kind,
      address,
      created_at: toTimestamp(createdAt),
      sent_at: toTimestampOrNull(sentAt),
    })),
    audit_events: data.events,
  };
}
