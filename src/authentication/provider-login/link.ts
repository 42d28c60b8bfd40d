import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import type { Acting } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { type Context, momentOf } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import {
  countIdentities,
  findIdentity,
  type IdentityRow,
  insertIdentity,
  MAX_IDENTITIES,
} from "../identities/repository.ts";
import type { OpenedCode } from "./codes.ts";
import { planLink, unlessTaken } from "./linking.ts";
import { deleteCode, findCode, whereCodeUnused } from "./repository.ts";
import { readStarter } from "./starter.ts";

/**
 * Links an account at a provider to that of the caller, who began in the same session, with a recent authentication. One that they have
 * already is returned as it is. Throws `unauthenticated`, `forbidden`, `invalid_exchange_code`, `identity_taken`, `identity_limit`.
 */
export async function linkIdentity(ctx: Context, code: OpenedCode): Promise<IdentityRow> {
  const { identity } = code.grant;
  const { userId } = code.grant.caller ?? { userId: "" };
  return retryOnConflict(async () => {
    const { acting, account, live, linked, counts } = await readStarter(ctx, code.grant, {
      live: findCode(ctx.db, code.id, momentOf(ctx)),
      linked: findIdentity(ctx.db, identity),
      counts: countIdentities(ctx.db, userId),
    });
    if (live.length === 0) throw new AppError("invalid_exchange_code");
    const [known] = linked;
    if (known && known.userId !== userId) throw new AppError("identity_taken");
    if (known) return useUp(acting, code, known);
    if ((counts[0]?.total ?? 0) >= MAX_IDENTITIES) throw new AppError("identity_limit");
    const { dataKey } = requirePerson(acting);
    return insertLink(acting, code, { id: userId, email: account.email, dataKey });
  });
}

async function useUp(
  { d1, db }: Context,
  { id }: OpenedCode,
  known: IdentityRow,
): Promise<IdentityRow | undefined> {
  const { used } = await d1.send({ used: deleteCode(db, id, sql`true`) });
  return used.length > 0 ? known : undefined;
}

async function insertLink(
  acting: Acting,
  code: OpenedCode,
  owner: { id: string; email: string; dataKey: string | null },
): Promise<IdentityRow | undefined> {
  const { row, event, notice } = await planLink(acting, code.grant, owner);
  const whereAllowed = sql`${whereAuthorized(acting, {})} AND ${whereCodeUnused(code.id)}`;
  const result = await unlessTaken(
    commit(acting, {
      change: insertIdentity(acting.db, row, whereAllowed),
      event,
      effects: (recorded) => ({
        used: deleteCode(acting.db, code.id, recorded),
        mail: queueMail(acting, notice, recorded),
      }),
    }),
  );
  if (result) deliverSoon(acting, result.mail);
  return result?.changed[0];
}
