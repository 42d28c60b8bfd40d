import { type Context, momentOf } from "../../context.ts";
import { createExchangeCode, hashExchangeCode, openExchangeCode } from "../../lib/exchange-code.ts";
import { SECOND } from "../../lib/time.ts";
import type { ProviderIdentity } from "../providers/identity.ts";
import type { AuthorizationRequest, ProviderState } from "../providers/state.ts";
import { insertSpentToken, whereUnspent } from "../spent-tokens/repository.ts";
import { findCode, insertCode, whereCodeUnused } from "./repository.ts";

/** How long the application may take to exchange a code. */
const CODE_MS = 60 * SECOND;

/** What a code stands for: who logged in at which provider, and what for. */
export interface Grant extends Pick<AuthorizationRequest, "intent" | "codeChallenge" | "caller"> {
  /** The id of the provider. */
  provider: string;
  identity: ProviderIdentity;
}

/** A code that was sent, and what it stands for. */
export interface OpenedCode {
  id: string;
  grant: Grant;
}

/**
 * Issues the code for a login that a provider has confirmed, and spends its state in the same transaction. What it stands for is
 * stored encrypted under the code itself. Returns undefined if the state has been spent.
 */
export async function mintCode(
  ctx: Context,
  state: ProviderState,
  { provider, identity }: Pick<Grant, "provider" | "identity">,
): Promise<string | undefined> {
  const { intent, codeChallenge, caller } = state;
  const grant: Grant = { intent, codeChallenge, caller, provider, identity };
  const { code, stored } = await createExchangeCode(JSON.stringify(grant));
  const now = ctx.now();
  const row = { ...stored, createdAt: now, expiresAt: now + CODE_MS };
  const { issued } = await ctx.d1.send({
    issued: insertCode(ctx.db, row, whereUnspent(state.id)),
    spent: insertSpentToken(ctx.db, state, whereCodeUnused(row.id)),
  });
  return issued.length > 0 ? code : undefined;
}

/** What a live code stands for, or undefined. The code stays in force. */
export async function openCode(ctx: Context, code: string): Promise<OpenedCode | undefined> {
  const id = await hashExchangeCode(code);
  const { found } = await ctx.d1.send({ found: findCode(ctx.db, id, momentOf(ctx)) });
  const [stored] = found;
  const text = stored && (await openExchangeCode(code, stored));
  return text === undefined ? undefined : { id, grant: JSON.parse(text) as Grant };
}
