import type { Actor, Context } from "../context.ts";
import { newId } from "../lib/ids.ts";
import type { NewAuditEvent } from "./repository.ts";

export type AuditAction =
  | "user.created"
  | "user.updated"
  | "user.deleted"
  | "user.restored"
  | "user.role_changed"
  | "auth.login_succeeded"
  | "auth.login_failed"
  | "auth.locked_out"
  | "session.revoked"
  | "session.reuse_detected"
  | "password.changed"
  | "role.created"
  | "role.updated"
  | "role.deleted"
  | "api_key.created"
  | "api_key.updated"
  | "api_key.rotated"
  | "api_key.revoked";

type Value = string | number | boolean | null;
export type Changes = Readonly<Record<string, { from: Value; to: Value }>>;

interface AuditEventInput {
  action: AuditAction;
  targetType: "user" | "role" | "api_key";
  targetId: NewAuditEvent["targetId"];
  changes?: Changes;
  /** Who did it, where that is not the context's actor: at login the user is known only afterwards. */
  actor?: { type: "user" | "anonymous" | "system"; id: string | null };
}

/** The row that tells of a change: who did what to whom, when and from where. `changes` must hold no secret. */
export function createAuditEvent(ctx: Context, input: AuditEventInput): NewAuditEvent {
  const actor = input.actor ?? {
    type: ctx.actor.type,
    id: actorId(ctx.actor),
  };
  return {
    id: newId(),
    action: input.action,
    actorType: actor.type,
    actorId: actor.id,
    targetType: input.targetType,
    targetId: input.targetId,
    changes: input.changes ? JSON.stringify(input.changes) : null,
    ip: ctx.client.ip,
    userAgent: ctx.client.userAgent,
    requestId: ctx.requestId,
    createdAt: ctx.now(),
  };
}

// Of an API key the key: whose it is, the key tells.
function actorId(actor: Actor): string | null {
  if (actor.type === "user") return actor.userId;
  return actor.type === "api_key" ? actor.keyId : null;
}
