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
  countFactors,
  deleteFactor,
  deleteUselessRecoveryCodes,
  type FactorRow,
  findFactor,
  listFactors,
  renameFactor,
  updateMfaEnabled,
  whereLoginRemains,
  whereNotRequired,
} from "./repository.ts";

/** A page of the caller's confirmed factors, the newest first. */
export async function getFactorPage(
  ctx: Context,
  { userId }: SessionCredential,
  request: PageRequest,
): Promise<Page<FactorRow>> {
  const list = {
    scope: "factors",
    keys: ctx.config.macKeys,
    positionOf: ({ id }: FactorRow) => [userId, id],
  };
  const position = await openPage(list, request);
  const { factors, totals } = await read(ctx, {
    factors: listFactors(ctx.db, userId, {
      before: position?.[1],
      skip: request.skip,
      limit: request.limit + 1,
    }),
    totals: request.skip !== undefined && countFactors(ctx.db, userId),
  });
  if (position && position[0] !== userId) throw invalidCursor();
  return toPage(list, request, factors, totals);
}

/** A factor of the caller. */
interface OwnFactor extends SessionCredential {
  id: string;
}

/** Renames a factor of the caller. Throws `factor_not_found`. */
export async function changeFactorName(
  ctx: Context,
  at: OwnFactor,
  name: string | undefined,
): Promise<FactorRow> {
  return retryOnConflict(async () => {
    const { acting, owner, factor } = await readFactor(ctx, at);
    if (name === undefined || name === factor.name) return factor;
    const { userId, id } = at;
    const rename = { userId, id, from: factor.name, to: name };
    const { changed } = await commit(acting, {
      change: renameFactor(acting.db, rename, whereAuthorized(acting, {})),
      event: await createAuditEvent(acting, {
        action: "factor.renamed",
        ...describeFactor(userId, factor),
        personal: { of: owner, changes: { name: { from: factor.name, to: name } } },
      }),
    });
    return changed[0];
  });
}

/**
 * Removes a factor of the caller, and with the last one the recovery codes. Throws `factor_not_found`, `factor_required`,
 * `last_login_method`.
 */
export async function removeFactor(ctx: Context, at: OwnFactor): Promise<void> {
  await retryOnConflict(async () => {
    const { acting, owner, factor, whereOther } = await readFactor(ctx, at);
    if (factor.isOnlyLogin) throw new AppError("last_login_method");
    if (factor.isNeeded) throw new AppError("factor_required");
    const { db } = acting;
    const { userId, id } = at;
    const whereAllowed = sql`${whereAuthorized(acting, {})} AND ${whereNotRequired(userId, id)} AND ${whereLoginRemains(whereOther)}`;
    const notice = { userId, kind: "factor_removed", address: owner.email } as const;
    const { changed, mail } = await commit(acting, {
      change: deleteFactor(db, userId, id, whereAllowed),
      event: await createAuditEvent(acting, {
        action: "factor.removed",
        ...describeFactor(userId, factor),
        personal: { of: owner, changes: { name: { from: factor.name, to: null } } },
      }),
      effects: (recorded) => ({
        user: updateMfaEnabled(db, userId, acting.now(), recorded),
        codes: deleteUselessRecoveryCodes(db, userId, recorded),
        mail: queueMail(acting, notice, recorded),
      }),
    });
    deliverSoon(acting, mail);
    return changed[0];
  });
}

async function readFactor(ctx: Context, { userId, id }: OwnFactor) {
  const whereOther = whereOtherLogin(ctx, userId, { passkeyId: id });
  const { acting, account, factors } = await read(ctx, {
    factors: findFactor(ctx.db, { userId, id }, whereOther),
  });
  const [factor] = factors;
  if (!factor) throw new AppError("factor_not_found");
  const { dataKey } = acting.actor;
  return { acting, factor, whereOther, owner: { id: userId, email: account.email, dataKey } };
}

function describeFactor(userId: string, { id, type }: Pick<FactorRow, "id" | "type">) {
  const metadata = { factor_id: id, factor_type: type };
  return { targetType: "user", targetId: userId, metadata } as const;
}
