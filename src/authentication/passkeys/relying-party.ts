import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import type { RelyingParty } from "../../lib/relying-party.ts";

/** Whom passkeys belong to. Throws `passkeys_unavailable` where they cannot be used. */
export function requireRelyingParty({ config }: Pick<Context, "config">): RelyingParty {
  if (!config.relyingParty) throw new AppError("passkeys_unavailable");
  return config.relyingParty;
}
