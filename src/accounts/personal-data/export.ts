import { read } from "../../access/read.ts";
import { requireManageable } from "../../access/require.ts";
import type { UserRef } from "../../access/target.ts";
import { listApiKeys } from "../../api-keys/repository.ts";
import { openAuditEvent } from "../../audit/events.ts";
import { listAuditEvents } from "../../audit/repository.ts";
import { listSessionsOfUser } from "../../authentication/sessions/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { listMailOfUser } from "../../outbox/repository.ts";
import { findProfile } from "../profiles/repository.ts";
import { findManagedUser } from "../users/repository.ts";
import { whereEventConcerns } from "./repository.ts";
import type { PersonalData } from "./schema.ts";

/** A user has at most a hundred live keys; this bounds the revoked ones, too. */
const MAX_KEYS = 10_000;

/**
 * All data held on a user: the account, profile, sessions, API keys without their secrets, emails, and the audit events that
 * concern the user. Personal data of others in these events is left out. Throws `user_not_found`, `privilege_escalation`.
 */
export async function exportUser(ctx: Context, userRef: UserRef): Promise<PersonalData> {
  const { db } = ctx;
  const { acting, users, profiles, sessions, keys, mails, events } = await read(ctx, {
    users: findManagedUser(db, userRef),
    profiles: findProfile(db, userRef),
    sessions: listSessionsOfUser(db, userRef),
    keys: listApiKeys(db, { userId: userRef, before: undefined }, MAX_KEYS),
    mails: listMailOfUser(db, userRef),
    events: listAuditEvents(db, whereEventConcerns(userRef)),
  });
  const [user] = users;
  const [profile] = profiles;
  if (!user || !profile) throw new AppError("user_not_found");
  requireManageable(acting, user);
  return {
    exportedAt: ctx.now(),
    currentSessionId: acting.actor.type === "user" ? acting.actor.sessionId : null,
    user,
    profile,
    sessions,
    keys,
    mails,
    events: await Promise.all(events.map((event) => openAuditEvent(ctx, event, user.id))),
  };
}
