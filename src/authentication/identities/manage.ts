import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import type { SessionCredential } from "../../access/credential.ts";
import { read } from "../../access/read.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import { invalidCursor, openPage, type Page, type PageRequest, toPage } from "../../paging.ts";
import { whereOtherLogin } from "../login-methods/conditions.ts";
import {
  countIdentities,
  deleteIdentity,
  findOwnIdentity,
  type IdentityRow,
  listIdentities,
} from "./repository.ts";

/** A page of the caller's identities, the newest first. */
export async function getIdentityPage(
  ctx: Context,
  { userId }: SessionCredential,
  request: PageRequest,
): Promise<Page<IdentityRow>> {
  const list = {
    scope: "identities",
    keys: ctx.config.macKeys,
    positionOf: ({ id }: IdentityRow) => [userId, id],
  };
  const position = await openPage(list, request);
  const { identities, totals } = await read(ctx, {
    identities: listIdentities(ctx.db, userId, {
      before: position?.[1],
      skip: request.skip,
      limit: request.limit + 1,
    }),
    totals: request.skip !== undefined && countIdentities(ctx.db, userId),
  });
  if (position && position[0] !== userId) throw invalidCursor();
  return toPage(list, request, identities, totals);
}

/** Removes an identity of the caller, and tells them. Throws `identity_not_found`, `last_login_method`. */
export async function unlinkIdentity(
  ctx: Context,
  { userId, id }: SessionCredential & { id: string },
): Promise<void> {
  const at = { userId, id };
  const whereOther = whereOtherLogin(ctx, userId, { identityId: id });
  await retryOnConflict(async () => {
    const { acting, account, found } = await read(ctx, {
      found: findOwnIdentity(ctx.db, at, whereOther),
    });
    const [identity] = found;
    if (!identity) throw new AppError("identity_not_found");
    if (identity.isOnlyLogin) throw new AppError("last_login_method");
    const event = await createAuditEvent(acting, {
      action: "identity.unlinked",
      targetType: "user",
      targetId: userId,
      metadata: { identity_id: id, provider: identity.provider },
    });
    // The email has the id of the event, in which it finds the provider.
    const notice = {
      id: event.id,
      userId,
      kind: "identity_unlinked",
      address: account.email,
    } as const;
    const { changed, mail } = await commit(acting, {
      change: deleteIdentity(acting.db, at, sql`${whereAuthorized(acting, {})} AND ${whereOther}`),
      event,
      effects: (recorded) => ({ mail: queueMail(acting, notice, recorded) }),
    });
    deliverSoon(acting, mail);
    return changed[0];
  });
}
