import type { Actor, Context } from "../context.ts";
import { openText, type Person, sealText } from "../lib/data-key.ts";
import { newId } from "../lib/ids.ts";
import { toTimestamp } from "../lib/time.ts";
import type { AuditEventRecord, NewAuditEvent } from "./repository.ts";

export type AuditAction =
  | "user.created"
  | "user.updated"
  | "user.deleted"
  | "user.restored"
  | "user.erased"
  | "user.role_changed"
  | "auth.login_succeeded"
  | "auth.login_failed"
  | "auth.locked_out"
  | "session.revoked"
  | "session.reuse_detected"
  | "password.changed"
  | "password.reset_requested"
  | "password.reset"
  | "email.verified"
  | "email.changed"
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
  targetId: string | null;
  /** What changed that says nothing about a person. No secret, ever. */
  changes?: Changes;
  /** What changed that the trail does not keep the values of. */
  unsaid?: readonly string[];
  /** What changed of the target's own: kept under their data key. */
  personal?: { of: Person; changes: Changes };
  /** Who did it, where that is not the context's actor: at login the user is known only afterwards. */
  actor?: { type: "user" | "anonymous" | "system"; id: string | null };
  /** Under whose key it is kept where the request came from; the actor's otherwise. */
  origin?: Person | undefined;
}

/**
 * The row that tells of a change: who did what to whom, when and from where. Rows never change; what is personal in
 * them is sealed under the person's own key, and erasing the person destroys the key.
 */
export async function createAuditEvent(
  ctx: Context,
  input: AuditEventInput,
): Promise<NewAuditEvent> {
  const id = newId();
  const actor = input.actor ?? { type: ctx.actor.type, id: actorId(ctx.actor) };
  const originOf = input.origin ?? actorPerson(ctx.actor) ?? input.personal?.of;
  const { personal, changes } = input;
  const unshown = [...(input.unsaid ?? []), ...Object.keys(personal?.changes ?? {})];
  const hidden = Object.fromEntries(unshown.map((key) => [key, null]));
  const shown = { ...changes, ...hidden };
  return {
    id,
    action: input.action,
    actorType: actor.type,
    actorId: actor.id,
    targetType: input.targetType,
    targetId: input.targetId,
    changes: Object.keys(shown).length > 0 ? JSON.stringify(shown) : null,
    sealedChanges: await seal(ctx, personal?.of, personal?.changes, `${id} changes`),
    originOf: originOf?.id ?? null,
    sealedOrigin: await seal(ctx, originOf, toOrigin(ctx), `${id} origin`),
    requestId: ctx.requestId,
    createdAt: ctx.now(),
  };
}

/** An event as the API shows it. What was sealed under a key that is gone is null, and `erased` says so. */
export interface ShownAuditEvent {
  id: string;
  action: string;
  actor_id: string | null;
  actor_type: string;
  target_type: string | null;
  target_id: string | null;
  changes: Record<string, { from: Value; to: Value } | null>;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  created_at: string;
  erased?: true;
}

/** Opens what is sealed in an event as far as its keys still exist; for one person only what is theirs. */
export async function openAuditEvent(
  ctx: Pick<Context, "config">,
  row: AuditEventRecord,
  onlyOf?: string,
): Promise<ShownAuditEvent> {
  const { targetId, originOf } = row;
  const isShown = (personId: string | null) => onlyOf === undefined || personId === onlyOf;
  const sealedChanges = isShown(targetId) ? row.sealedChanges : null;
  const sealedOrigin = isShown(originOf) ? row.sealedOrigin : null;
  const target = { id: targetId ?? "", dataKey: row.targetKey };
  const source = { id: originOf ?? "", dataKey: row.originKey };
  const changes = await open(ctx, target, sealedChanges, `${row.id} changes`);
  const origin = await open(ctx, source, sealedOrigin, `${row.id} origin`);
  const isErased = (sealedChanges && !changes) || (sealedOrigin && !origin);
  return {
    id: row.id,
    action: row.action,
    actor_id: row.actorId,
    actor_type: row.actorType,
    target_type: row.targetType,
    target_id: row.targetId,
    changes: { ...JSON.parse(row.changes ?? "{}"), ...changes },
    ip: origin?.ip ?? null,
    user_agent: origin?.user_agent ?? null,
    request_id: row.requestId,
    created_at: toTimestamp(row.createdAt),
    ...(isErased && { erased: true as const }),
  };
}

function toOrigin({ client }: Context) {
  return { ip: client.ip, user_agent: client.userAgent };
}

function actorPerson(actor: Actor): Person | undefined {
  return "userId" in actor ? { id: actor.userId, dataKey: actor.dataKey } : undefined;
}

// Of an API key the key: whose it is, the key tells.
function actorId(actor: Actor): string | null {
  if (actor.type === "user") return actor.userId;
  return actor.type === "api_key" ? actor.keyId : null;
}

async function seal(
  { config }: Context,
  person: Person | undefined,
  value: object | undefined,
  context: string,
): Promise<string | null> {
  if (!person || !value) return null;
  return (await sealText(JSON.stringify(value), person, config.dataKeys, context)) ?? null;
}

async function open(
  { config }: Pick<Context, "config">,
  person: Person,
  sealed: string | null,
  context: string,
) {
  const text = sealed && (await openText(sealed, person, config.dataKeys, context));
  return text ? JSON.parse(text) : undefined;
}
