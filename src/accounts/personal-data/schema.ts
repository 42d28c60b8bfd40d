import { z } from "@hono/zod-openapi";
import type { ApiKeyRow } from "../../api-keys/repository.ts";
import { ApiKey, presentApiKey } from "../../api-keys/schema.ts";
import { AuditEvent } from "../../audit/schema.ts";
import type { FactorRow } from "../../authentication/factors/repository.ts";
import { Factor, presentFactor } from "../../authentication/factors/schema.ts";
import type { IdentityRow } from "../../authentication/identities/repository.ts";
import { Identity, presentIdentity } from "../../authentication/identities/schema.ts";
import { TOKEN_PURPOSES, type TokenPurpose } from "../../authentication/one-time-tokens/tokens.ts";
import type { SessionRow } from "../../authentication/sessions/repository.ts";
import { presentSession, Session } from "../../authentication/sessions/schema.ts";
import { Timestamp } from "../../http/fields.ts";
import { mapPages, type Paged, type PagedDocument } from "../../lib/json-stream.ts";
import { toDate, toTimestamp, toTimestampOrNull } from "../../lib/time.ts";
import type { MailRow } from "../../outbox/repository.ts";
import { MAIL_KINDS, type MailKind } from "../../outbox/templates.ts";
import type { ProfileValues } from "../profiles/repository.ts";
import { EMPTY_PROFILE, Profile, presentProfile } from "../profiles/schema.ts";
import type { UserRow } from "../users/repository.ts";
import { Flag, presentUser, User } from "../users/schema.ts";

export const ExportQuery = z.strictObject({
  deleted: Flag.optional().openapi({
    description: "`true` also exports a deleted user. Needs users:export.",
  }),
});

const Mail = z
  .object({
    kind: z.enum(MAIL_KINDS).openapi("MailKind", { example: "verify_email" }),
    address: z.string().openapi({ example: "ada@example.com" }),
    language: z
      .string()
      .nullable()
      .openapi({ example: "de", description: "Null for the default." }),
    created_at: Timestamp,
    sent_at: Timestamp.nullable(),
  })
  .openapi("Mail");

const OneTimeToken = z
  .object({
    purpose: z.enum(TOKEN_PURPOSES).openapi({ example: "verify_email" }),
    address: z.string().openapi({ example: "ada@example.com" }),
    expires_at: Timestamp,
  })
  .openapi("OneTimeToken");

const LoginAttempt = z.object({ attempted_at: Timestamp }).openapi("LoginAttempt");

export const UserExport = z
  .object({
    exported_at: Timestamp,
    user: User,
    profile: Profile,
    sessions: z.array(Session.extend({ ended_at: Timestamp.nullable() }).openapi("PastSession")),
    api_keys: z.array(ApiKey),
    mails: z.array(Mail),
    one_time_tokens: z
      .array(OneTimeToken)
      .openapi({ description: "Links in emails that can still be used, or have expired." }),
    login_attempts: z
      .array(LoginAttempt)
      .openapi({ description: "Recent login attempts that count towards the lock-out." }),
    second_factors: z.array(
      Factor.extend({ credential_id: z.string().nullable() }).openapi("StoredFactor"),
    ),
    recovery_codes_left: z.int().openapi({
      description: "The number of unused recovery codes. Only hashes of them are stored.",
      example: 10,
    }),
    identities: z.array(Identity.extend({ issuer: z.string() }).openapi("StoredIdentity")),
    known_device_count: z.int().openapi({
      description:
        "The number of user agents that are known from logins. Only keyed hashes of them are stored.",
      example: 2,
    }),
    known_network_count: z.int().openapi({
      description:
        "The number of networks that are known from logins. Only keyed hashes of them are stored.",
      example: 1,
    }),
    last_active_day: z.iso.date().nullable().openapi({
      description:
        "The day of the last login or refresh, in UTC, for analytics. Null if it was more than 90 days ago.",
      example: "2026-11-20",
    }),
    registered_day: z.iso.date().nullable().openapi({
      description:
        "The day of the registration, in UTC, for analytics. Null for a user who did not register and has accepted no invitation.",
      example: "2026-11-02",
    }),
    audit_events: z.array(AuditEvent),
  })
  .openapi("UserExport");
export type UserExport = z.infer<typeof UserExport>;

/** All data held on a user. */
export interface PersonalData {
  exportedAt: number;
  /** The session of the request; null for an API key. */
  currentSessionId: string | null;
  user: UserRow;
  /** Undefined if it was never written. */
  profile: ProfileValues | undefined;
  activity: {
    devices: number;
    networks: number;
    lastActiveDay: number | null;
    registeredDay: number | null;
  };
  tokens: readonly { purpose: string; address: string; expiresAt: number }[];
  attempts: readonly { attemptedAt: number }[];
  factors: readonly (FactorRow & { credentialId: string | null })[];
  recoveryCodesLeft: number;
  identities: readonly IdentityRow[];
  sessions: Paged<SessionRow>;
  keys: Paged<ApiKeyRow>;
  mails: Paged<MailRow>;
  events: Paged<z.infer<typeof AuditEvent>>;
}

/** The document that the API returns, field by field. Lists that can grow stay paged. */
export function presentExport(data: PersonalData): PagedDocument<UserExport> {
  const present = presentSession(data.currentSessionId);
  return {
    exported_at: toTimestamp(data.exportedAt),
    user: presentUser(data.user),
    profile: presentProfile(data.profile ?? EMPTY_PROFILE),
    sessions: mapPages(data.sessions, (session) => ({
      ...present(session),
      ended_at: toTimestampOrNull(session.revokedAt),
    })),
    api_keys: mapPages(data.keys, presentApiKey),
    mails: mapPages(data.mails, ({ kind, address, language, createdAt, sentAt }) => ({
      kind: kind as MailKind,
      address,
      language,
      created_at: toTimestamp(createdAt),
      sent_at: toTimestampOrNull(sentAt),
    })),
    one_time_tokens: data.tokens.map(({ purpose, address, expiresAt }) => ({
      purpose: purpose as TokenPurpose,
      address,
      expires_at: toTimestamp(expiresAt),
    })),
    login_attempts: data.attempts.map(({ attemptedAt }) => ({
      attempted_at: toTimestamp(attemptedAt),
    })),
    second_factors: data.factors.map((factor) => ({
      ...presentFactor(factor),
      credential_id: factor.credentialId,
    })),
    recovery_codes_left: data.recoveryCodesLeft,
    identities: data.identities.map((identity) => ({
      ...presentIdentity(identity),
      issuer: identity.issuer,
    })),
    known_device_count: data.activity.devices,
    known_network_count: data.activity.networks,
    last_active_day: toDateOrNull(data.activity.lastActiveDay),
    registered_day: toDateOrNull(data.activity.registeredDay),
    audit_events: data.events,
  };
}

// Day 0 stands for an invitation that is not accepted.
function toDateOrNull(day: number | null): string | null {
  return day === null || day === 0 ? null : toDate(day);
}
