import type { Actor, Context } from "../context.ts";
import { openText, type Person, sealText } from "../lib/data-key.ts";
import { newId } from "../lib/ids.ts";
import { toTimestamp } from "../lib/time.ts";
import { findDataKey, type KeyRing, provideDataKey } from "./data-keys.ts";
import type { AuditEventRow, NewAuditEvent } from "./repository.ts";

/** Everything that is recorded as an event. */
export const AUDIT_ACTIONS = [
  "user.created",
  "user.updated",
  "user.deleted",
  "user.restored",
  "user.erased",
  "user.invited",
  "user.unlocked",
  "user.role_changed",
  "user.exported",
  "users.exported",
  "audit.exported",
  "audit.trimmed",
  "auth.login_succeeded",
  "auth.login_failed",
  "auth.locked_out",
  "auth.stepped_up",
  "auth.mfa_failed",
  "session.revoked",
  "session.reuse_detected",
  "password.changed",
  "password.reset_requested",
  "password.reset",
  "password.expired",
  "factors.reset",
  "email.verified",
  "email.changed",
  "factor.added",
  "factor.renamed",
  "factor.removed",
  "recovery_codes.generated",
  "recovery_code.used",
  "identity.linked",
  "identity.unlinked",
  "role.created",
  "role.updated",
  "role.deleted",
  "permission.created",
  "permission.deleted",
  "api_key.created",
  "api_key.updated",
  "api_key.rotated",
  "api_key.revoked",
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export const ACTOR_TYPES = ["user", "api_key", "anonymous", "system"] as const;
export const TARGET_TYPES = ["user", "role", "permission", "api_key", "audit_event"] as const;

type Value = string | number | boolean | null;
export type Changes = Readonly<Record<string, { from: Value; to: Value }>>;

interface AuditEventInput {
  action: AuditAction;
  targetType: (typeof TARGET_TYPES)[number];
  targetId: string | null;
  /** Changes that are not personal data. Never a secret. */
  changes?: Changes;
  /** Changed fields whose values are not recorded. */
  redacted?: readonly string[];
  /** Further details, such as session ids and reasons. Never personal data. */
  metadata?: Readonly<Record<string, Value | readonly string[]>>;
  /** Changes of the target's personal data, sealed under their data key. */
  personal?: { of: Person; changes: Changes };
  /** The actor, if it is not the context's: at login, the context is still anonymous. */
  actor?: { type: "user" | "anonymous" | "system"; id: string | null };
  /** The person whose data key seals the IP address and user agent. By default the actor, or else the person in `personal`. */
  origin?: Person | undefined;
}

/**
 * Creates the row of an audit event: who did what to whom, when and from where. Personal data in it is sealed under the data key of
 * the person it concerns. Erasing the person destroys the key. A person without a data key gets one first, in one more round trip.
 */
export async function createAuditEvent(
  ctx: Context,
  input: AuditEventInput,
): Promise<NewAuditEvent> {
  const id = newId();
  const actor = input.actor ?? { type: ctx.actor.type, id: actorId(ctx.actor) };
  const { personal, changes } = input;
  const target = personal && (await provideDataKey(ctx, personal.of));
  const origin = input.origin ?? actorPerson(ctx.actor) ?? target;
  const originOf =
    origin?.id === target?.id ? target : origin && (await provideDataKey(ctx, origin));
  const redacted = [...(input.redacted ?? []), ...Object.keys(personal?.changes ?? {})];
  const recorded = { ...changes, ...Object.fromEntries(redacted.map((key) => [key, null])) };
  return {
    id,
    action: input.action,
    actorType: actor.type,
    actorId: actor.id,
    targetType: input.targetType,
    targetId: input.targetId,
    changes: Object.keys(recorded).length > 0 ? JSON.stringify(recorded) : null,
    sealedChanges: await seal(ctx, target, personal?.changes, `${id} changes`),
    originOf: originOf?.id ?? null,
    sealedOrigin: await seal(ctx, originOf, toOrigin(ctx), `${id} origin`),
    requestId: ctx.requestId,
    metadata: toMetadata(ctx.actor, input.metadata),
    createdAt: ctx.now(),
  };
}

function toMetadata(actor: Actor, metadata: AuditEventInput["metadata"]): string | null {
  const owner = actor.type === "api_key" ? { user_id: actor.userId } : undefined;
  return metadata || owner ? JSON.stringify({ ...owner, ...metadata }) : null;
}

/** The same context, whose actor has a data key. For many events at once: each would otherwise take the round trip for it. */
export async function withActorDataKey<T extends Context>(ctx: T): Promise<T> {
  const person = actorPerson(ctx.actor);
  if (!person || person.dataKey !== null) return ctx;
  const { dataKey } = await provideDataKey(ctx, person);
  return { ...ctx, actor: { ...ctx.actor, dataKey } };
}

/** An audit event as the API returns it. Sealed values whose data key was destroyed are null, and `erased` is set. */
export interface OpenedAuditEvent {
  id: string;
  action: AuditAction;
  actor_id: string | null;
  actor_type: (typeof ACTOR_TYPES)[number];
  target_type: (typeof TARGET_TYPES)[number] | null;
  target_id: string | null;
  changes: Record<string, { from: Value; to: Value } | null>;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  metadata: Record<string, unknown>;
  created_at: string;
  erased?: true;
}

/** An event with the wrapped data keys that open it. */
type KeyedEvent = AuditEventRow & { targetKey: string | null; originKey: string | null };

/** Opens the sealed parts of an event whose data keys still exist. */
export async function openAuditEvent(ctx: KeyRing, row: KeyedEvent): Promise<OpenedAuditEvent> {
  const target = row.targetId && { id: row.targetId, dataKey: row.targetKey };
  const source = row.originOf && { id: row.originOf, dataKey: row.originKey };
  return openParts(row, {
    changes: target ? await findDataKey(ctx, target) : undefined,
    origin: source ? await findDataKey(ctx, source) : undefined,
  });
}

/**
 * Creates a function that opens what events hold of one person. Sealed parts that concern others are left out, and so are the
 * ids of other people: `actor_type` and `target_type` remain. The person's data key is unwrapped once.
 */
export async function createEventOpener(ctx: KeyRing, person: Person) {
  const key = await findDataKey(ctx, person);
  return async (row: AuditEventRow): Promise<OpenedAuditEvent> => {
    const sealedChanges = row.targetId === person.id ? row.sealedChanges : null;
    const sealedOrigin = row.originOf === person.id ? row.sealedOrigin : null;
    const event = { ...row, sealedChanges, sealedOrigin };
    return withoutOthers(await openParts(event, { changes: key, origin: key }), person.id);
  };
}

// An API key stands for its owner, whose id is in the metadata.
function withoutOthers(event: OpenedAuditEvent, personId: string): OpenedAuditEvent {
  const { user_id: ownerId, ...metadata } = event.metadata;
  const isActor = event.actor_id === personId || ownerId === personId;
  const isOtherTarget = event.target_type === "user" && event.target_id !== personId;
  return {
    ...event,
    ...(!isActor && { actor_id: null, metadata }),
    ...(isOtherTarget && { target_id: null }),
  };
}

async function openParts(
  row: AuditEventRow,
  keys: Record<"changes" | "origin", CryptoKey | undefined>,
): Promise<OpenedAuditEvent> {
  const { sealedChanges, sealedOrigin } = row;
  const changes = await open(keys.changes, sealedChanges, `${row.id} changes`);
  const origin = await open(keys.origin, sealedOrigin, `${row.id} origin`);
  const isErased = (sealedChanges && !changes) || (sealedOrigin && !origin);
  return {
    id: row.id,
    action: row.action as AuditAction,
    actor_id: row.actorId,
    actor_type: row.actorType as OpenedAuditEvent["actor_type"],
    target_type: row.targetType as OpenedAuditEvent["target_type"],
    target_id: row.targetId,
    changes: { ...JSON.parse(row.changes ?? "{}"), ...changes },
    ip: origin?.ip ?? null,
    user_agent: origin?.user_agent ?? null,
    request_id: row.requestId,
    metadata: JSON.parse(row.metadata ?? "{}"),
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

// For an API key, the id of the key. The id of its owner is in the metadata.
function actorId(actor: Actor): string | null {
  if (actor.type === "user") return actor.userId;
  return actor.type === "api_key" ? actor.keyId : null;
}

async function seal(
  ctx: KeyRing,
  person: Person | undefined,
  value: object | undefined,
  context: string,
): Promise<string | null> {
  if (!person || !value) return null;
  const key = await findDataKey(ctx, person);
  return key ? sealText(JSON.stringify(value), key, context) : null;
}

async function open(key: CryptoKey | undefined, sealed: string | null, context: string) {
  const text = key && sealed && (await openText(sealed, key, context));
  return text ? JSON.parse(text) : undefined;
}
