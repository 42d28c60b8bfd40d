import { commit } from "../../audit/commit.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import { proveAddress } from "../first-proof/prove.ts";
import { insertIdentity, MAX_IDENTITIES, whereUnlinked } from "../identities/repository.ts";
import type { LoginUser } from "../passwords/repository.ts";
import { getProvider } from "../providers/list.ts";
import type { Grant } from "./codes.ts";
import { createIdentityRow, createLinkEvent, planLink, unlessTaken } from "./linking.ts";
import { type Found, type Opened, requireActive } from "./look-up.ts";
import { whereOpenToAddress } from "./repository.ts";

/**
 * Links an account at a provider to the account that has the same address, if the provider is trusted with addresses and vouches for this
 * one. If nobody has proven the address before, everything that was set up in the account is voided first. If the address is verified
 * and the account has a second factor, its owner must log in to link. Throws `account_link_required`, `identity_limit` and
 * `invalid_credentials`. Returns undefined if another request was faster.
 */
export async function joinAccount(
  ctx: Context,
  grant: Grant,
  { address, holderIdentities }: Found,
  holder: LoginUser,
): Promise<Opened | undefined> {
  const { trustsEmail } = getProvider(ctx, grant.provider);
  if (!trustsEmail || !grant.identity.isEmailVerified || !address) throw linkRequired();
  await requireActive(ctx, holder);
  const owner = { ...holder, emailKey: address.key };
  if (!holder.emailVerified) return proveAndLink(ctx, grant, owner);
  if (holder.mfaEnabled) throw linkRequired();
  if (holderIdentities >= MAX_IDENTITIES) throw new AppError("identity_limit");
  return link(ctx, grant, owner);
}

function linkRequired(): AppError {
  return new AppError("account_link_required");
}

type Owner = LoginUser & { emailKey: string };

async function proveAndLink(ctx: Context, grant: Grant, owner: Owner): Promise<Opened | undefined> {
  const row = createIdentityRow(ctx, grant, owner.id);
  const proven = await unlessTaken(
    proveAddress(ctx, owner, {
      reason: "provider",
      whereProven: whereUnlinked(grant.identity),
      follow: async () => [await createLinkEvent(ctx, row, owner)],
      effects: (recorded) => ({ linked: insertIdentity(ctx.db, row, recorded) }),
    }),
  );
  return proven && { owner: proven, identityId: row.id };
}

async function link(ctx: Context, grant: Grant, owner: Owner): Promise<Opened | undefined> {
  const { row, event, notice } = await planLink(ctx, grant, owner);
  const result = await unlessTaken(
    commit(ctx, {
      change: insertIdentity(ctx.db, row, whereOpenToAddress(owner.id, owner.emailKey)),
      event,
      effects: (recorded) => ({ mail: queueMail(ctx, notice, recorded) }),
    }),
  );
  if (!result || result.changed.length === 0) return undefined;
  deliverSoon(ctx, result.mail);
  return { owner, identityId: row.id };
}
