import { sql } from "drizzle-orm";
import { calculatePKCECodeChallenge } from "oauth4webapi";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import type { IdentityRow } from "../identities/repository.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import type { SteppedUpSession } from "../step-up/step-up.ts";
import { type OpenedCode, openCode } from "./codes.ts";
import { linkIdentity } from "./link.ts";
import { logInByProvider } from "./log-in.ts";
import { deleteCode } from "./repository.ts";
import type { Exchange } from "./schema.ts";
import { stepUpByProvider } from "./step-up.ts";

/** RFC 7636 section 4.1. */
const CODE_VERIFIER = /^[\w.~-]{43,128}$/;

/** What a code was exchanged for, by what the login was started for. */
export type Exchanged =
  | { intent: "login"; tokens: TokenSet }
  | { intent: "link"; identity: IdentityRow }
  | { intent: "step_up"; session: SteppedUpSession };

/**
 * Exchanges the code of a login at a provider for what the login was started for. A code works once; a wrong verifier uses it up.
 * Throws `invalid_exchange_code`, and what the three ways throw.
 */
export async function exchangeCode(ctx: Context, input: Exchange): Promise<Exchanged> {
  const opened = await openCode(ctx, input.code);
  // The settings may have changed since.
  const isKnown = ctx.config.providers.some(({ id }) => id === opened?.grant.provider);
  if (!opened || !isKnown) throw new AppError("invalid_exchange_code");
  await requireVerifier(ctx, opened, input.code_verifier);
  const { intent } = opened.grant;
  switch (intent) {
    case "login":
      return { intent, tokens: await logInByProvider(ctx, opened) };
    case "link":
      return { intent, identity: await linkIdentity(ctx, opened) };
    case "step_up":
      return { intent, session: await stepUpByProvider(ctx, opened) };
  }
}

async function requireVerifier(
  ctx: Context,
  { id, grant }: OpenedCode,
  verifier: string,
): Promise<void> {
  const isRight =
    CODE_VERIFIER.test(verifier) &&
    (await calculatePKCECodeChallenge(verifier)) === grant.codeChallenge;
  if (isRight) return;
  await ctx.d1.send({ used: deleteCode(ctx.db, id, sql`true`) });
  throw new AppError("invalid_exchange_code");
}
