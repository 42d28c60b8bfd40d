import { sql } from "drizzle-orm";
import { assess } from "../../access/assurance.ts";
import { requirePerson } from "../../access/require.ts";
import { insufficientAuthentication } from "../../access/step-up.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { SECOND } from "../../lib/time.ts";
import { findIdentity, touchIdentity, whereLinked } from "../identities/repository.ts";
import { addProofs, type SteppedUpSession } from "../step-up/step-up.ts";
import type { OpenedCode } from "./codes.ts";
import { deleteCode, whereCodeUnused } from "./repository.ts";
import { readStarter } from "./starter.ts";

/**
 * Adds an authentication at a provider to the caller's session, in which it was started. The time is that of the provider. Throws
 * `unauthenticated`, `forbidden`, `invalid_exchange_code`, `invalid_credentials` if the account at the provider is not linked to the
 * caller's, and `insufficient_user_authentication` if its authentication is too old by now.
 */
export async function stepUpByProvider(ctx: Context, code: OpenedCode): Promise<SteppedUpSession> {
  const { identity, provider } = code.grant;
  const { acting, linked } = await readStarter(ctx, code.grant, {
    linked: findIdentity(ctx.db, identity),
  });
  const { userId } = requirePerson(acting);
  const [known] = linked;
  if (known?.userId !== userId) throw await refuseForeign(acting, code);
  const now = acting.now();
  const proofs = { fed: Math.min(identity.authenticatedAt ?? 0, now) };
  requireStillRecent(acting, proofs);
  const used = { id: known.id, email: identity.email ?? known.email, now };
  return addProofs(acting, {
    proofs,
    whereProven: sql`${whereCodeUnused(code.id)} AND ${whereLinked(userId, known.id)}`,
    events: [],
    effects: (recorded) => ({
      used: deleteCode(acting.db, code.id, recorded),
      touched: touchIdentity(acting.db, used, recorded),
    }),
    mails: [],
    metadata: { provider },
    refuse: async () => new AppError("invalid_exchange_code"),
  });
}

async function refuseForeign({ d1, db }: Context, { id }: OpenedCode): Promise<AppError> {
  await d1.send({ used: deleteCode(db, id, sql`true`) });
  return new AppError("invalid_credentials", {
    detail: "This account at the provider is not linked to your account.",
  });
}

function requireStillRecent({ config, now }: Context, proofs: { fed: number }): void {
  const { stepUpMaxAgeSeconds } = config;
  if (stepUpMaxAgeSeconds === 0 || assess(proofs, now() - stepUpMaxAgeSeconds * SECOND)) return;
  throw insufficientAuthentication(config, "aal1");
}
