import { sql } from "drizzle-orm";
import { isSelf, type Principal } from "../../access/principal.ts";
import { requireCovers } from "../../access/require.ts";
import { listApiKeys } from "../../api-keys/repository.ts";
import { presentApiKey } from "../../api-keys/schema.ts";
import { openAuditEvent } from "../../audit/events.ts";
import { listAuditEvents } from "../../audit/repository.ts";
import { listSessionsOfUser } from "../../authentication/sessions/repository.ts";
import { presentSession } from "../../authentication/sessions/schema.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { toTimestamp, toTimestampOrNull } from "../../lib/time.ts";
import { listMailOfUser } from "../../outbox/repository.ts";
import { toProfileValues } from "../profiles/change.ts";
import { presentProfile } from "../profiles/present.ts";
import { findProfile } from "../profiles/repository.ts";
import { presentUser } from "../users/present.ts";
import { findManagedUser } from "../users/repository.ts";

/** Of keys there are at most a hundred live ones; this bounds the revoked ones, too. */
const MAX_KEYS = 10_000;

/**
 * Everything held on a person as one document: user, profile, sessions, keys without secrets, mails, and what the audit trail says
 * about them or of what they did. Of others in it, nothing. Throws `user_not_found`, `privilege_escalation`.
 */
export async function exportUser(ctx: Context, principal: Principal, id: string) {
  const { db } = ctx;
  const [[user], [profile], sessions, keys, mails, events] = await db.batch([
    findManagedUser(db, id),
    findProfile(db, id),
    listSessionsOfUser(db, id),
    listApiKeys(db, { userId: id, before: undefined }, MAX_KEYS),
    listMailOfUser(db, id),
    listAuditEvents(db, sql`target_id = ${id} OR actor_id = ${id} OR origin_of = ${id}`),
  ]);
  if (!user || !profile) throw new AppError("user_not_found");
  if (!isSelf(principal, id)) requireCovers(principal, user.permissions);
  const currentId = principal.type === "user" ? principal.sessionId : null;
  return {
    exported_at: toTimestamp(ctx.now()),
    user: presentUser(user),
    profile: presentProfile(toProfileValues(profile)),
    sessions: sessions.map((session) => ({
      ...presentSession(currentId)(session),
      ended_at: toTimestampOrNull(session.revokedAt),
    })),
    api_keys: keys.map(presentApiKey),
    mails: mails.map(({ kind, address, createdAt, sentAt }) => ({
      kind,
      address,
      created_at: toTimestamp(createdAt),
      sent_at: toTimestampOrNull(sentAt),
    })),
    audit_events: await Promise.all(events.map((event) => openAuditEvent(ctx, event, id))),
  };
}
