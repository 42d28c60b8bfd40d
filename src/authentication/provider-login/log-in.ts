import { sql } from "drizzle-orm";
import { retryOnConflict } from "../../audit/commit.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { touchIdentity, whereLinked } from "../identities/repository.ts";
import { countRefusal } from "../login/count-refusal.ts";
import { finishFirstFactor } from "../login/gate.ts";
import { requireVerifiedEmail } from "../login/refusals.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import type { Grant, OpenedCode } from "./codes.ts";
import { joinAccount } from "./join.ts";
import { type Found, lookUp, type Opened, requireActive } from "./look-up.ts";
import { registerByProvider } from "./register.ts";
import { deleteCode } from "./repository.ts";

/**
 * Logs in whom a provider has confirmed: to the account that is linked, to the one that has their verified address, or to a new one.
 * Throws `invalid_exchange_code` if the code was used, `invalid_credentials` if the account is inactive or deleted,
 * `account_link_required`, `identity_limit`, `registration_closed`, `email_not_verified`, and what the gate throws.
 */
export function logInByProvider(ctx: Context, code: OpenedCode): Promise<TokenSet> {
  return countRefusal(ctx, () => openAndBegin(ctx, code));
}

async function openAndBegin(ctx: Context, { id, grant }: OpenedCode): Promise<TokenSet> {
  let known: Found | undefined = await useCode(ctx, id, grant);
  const { owner, identityId } = await retryOnConflict(async () => {
    const found: Found = known ?? (await lookUp(ctx, grant, {})).found;
    known = undefined;
    return openAccount(ctx, grant, found);
  });
  await requireVerifiedEmail(ctx, owner);
  const used = { id: identityId, email: grant.identity.email ?? null, now: ctx.now() };
  return finishFirstFactor(ctx, {
    owner,
    proofs: { fed: ctx.now() },
    metadata: { provider: grant.provider },
    whereProven: whereLinked(owner.id, identityId),
    effects: (recorded) => ({ used: touchIdentity(ctx.db, used, recorded) }),
  });
}

// Of concurrent requests with one code, one goes on.
async function useCode(ctx: Context, id: string, grant: Grant): Promise<Found> {
  const { found, rows } = await lookUp(ctx, grant, { used: deleteCode(ctx.db, id, sql`true`) });
  if (rows.used?.length !== 1) throw new AppError("invalid_exchange_code");
  return found;
}

/** Undefined if another request was faster. */
async function openAccount(ctx: Context, grant: Grant, found: Found): Promise<Opened | undefined> {
  const { identity, owner, holder } = found;
  if (!identity) {
    return holder ? joinAccount(ctx, grant, found, holder) : registerByProvider(ctx, grant, found);
  }
  if (!owner) throw new AppError("invalid_credentials");
  await requireActive(ctx, owner);
  return { owner, identityId: identity.id };
}
