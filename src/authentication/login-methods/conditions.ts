import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";

/** A way to log in that is about to be removed: a password, a passkey or an identity. */
interface Removed {
  hasPassword?: boolean;
  passkeyId?: string;
  identityId?: string;
}

/**
 * True if a user can log in without what is removed: with a password, a passkey that may be used alone, an identity at a provider of the
 * settings, or by email where that is on and their address is verified. A condition of every statement that removes one of these.
 */
export function whereOtherLogin(
  ctx: Pick<Context, "config" | "sendMail">,
  userId: string,
  { hasPassword = false, passkeyId = "", identityId = "" }: Removed,
): SQL {
  const ways = [
    hasPassword ? sql`false` : sql`owner.password_hash IS NOT NULL`,
    ctx.config.hasEmailLogin && ctx.sendMail ? sql`owner.email_verified = 1` : undefined,
    whereOtherPasskey(ctx, passkeyId),
    whereOtherIdentity(ctx, identityId),
  ];
  const any = sql.join(
    ways.filter((way) => way !== undefined),
    sql` OR `,
  );
  return sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND (${any}))`;
}

// A security key that did not check its user when it was registered is a second factor only.
function whereOtherPasskey({ config }: Pick<Context, "config">, removedId: string) {
  if (!config.relyingParty) return undefined;
  return sql`EXISTS (SELECT 1 FROM factors AS passkey WHERE passkey.user_id = owner.id AND passkey.type = 'passkey'
    AND passkey.confirmed_at IS NOT NULL AND passkey.is_user_verified IS NOT 0 AND passkey.id <> ${removedId})`;
}

function whereOtherIdentity({ config }: Pick<Context, "config">, removedId: string) {
  if (config.providers.length === 0) return undefined;
  // Ids contain no spaces. `json_each` would cost a row read per provider.
  const ids = ` ${config.providers.map(({ id }) => id).join(" ")} `;
  return sql`EXISTS (SELECT 1 FROM identities AS linked WHERE linked.user_id = owner.id AND linked.id <> ${removedId}
    AND instr(${ids}, ' ' || linked.provider || ' ') > 0)`;
}
