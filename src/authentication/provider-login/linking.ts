import { createAuditEvent } from "../../audit/events.ts";
import type { NewAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { findUniqueViolation } from "../../db/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { IdentityRow } from "../identities/repository.ts";
import type { Grant } from "./codes.ts";

/** The user whom an account at a provider is linked to. */
interface Owner {
  id: string;
  email: string;
  dataKey: string | null;
}

/** The row of a new identity, the event of its link, and the email that tells the owner, which has the id of the event. */
export async function planLink(ctx: Context, grant: Grant, owner: Owner) {
  const row = createIdentityRow(ctx, grant, owner.id);
  const event = await createLinkEvent(ctx, row, owner);
  const { id: userId, email: address } = owner;
  return {
    row,
    event,
    notice: { id: event.id, userId, kind: "identity_linked", address } as const,
  };
}

/** The row of a new identity. */
export function createIdentityRow(
  { now }: Pick<Context, "now">,
  { provider, identity }: Grant,
  userId: string,
): IdentityRow {
  return {
    id: newId(),
    userId,
    provider,
    issuer: identity.issuer,
    subject: identity.subject,
    email: identity.email ?? null,
    createdAt: now(),
    lastUsedAt: null,
  };
}

/** The event of a new identity. */
export function createLinkEvent(
  ctx: Context,
  { id, provider }: IdentityRow,
  owner: Owner,
): Promise<NewAuditEvent> {
  return createAuditEvent(ctx, {
    action: "identity.linked",
    targetType: "user",
    targetId: owner.id,
    metadata: { identity_id: id, provider },
    // Whoever logs in is still anonymous.
    actor: { type: "user", id: owner.id },
    origin: owner,
  });
}

/** The result of a commit; undefined if another request has taken what it needed, so that the attempt is to be repeated. */
export async function unlessTaken<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (findUniqueViolation(error) === undefined) throw error;
    return undefined;
  }
}
