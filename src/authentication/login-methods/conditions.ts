import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";

/** A way to log in that is about to be removed: a password, a passkey or an identity. */
interface Removed {
  hasPassword?: boolean;
  passkeyId?: string;
  identityId?: string;
}

/**
 * True if a user can log in without what is removed: with a password, a passkey, an identity at a provider, or by email where that is
 * on and their address is verified. A condition of every statement that removes one of these.
 */
export function whereOtherLogin(
  { config, sendMail }: Pick<Context, "config" | "sendMail">,
  userId: string,
  { hasPassword = false, passkeyId = "", identityId = "" }: Removed,
): SQL {
  const ways = [
    hasPassword ? undefined : sql`owner.password_hash IS NOT NULL`,
    config.hasEmailLogin && sendMail ? sql`owner.email_verified = 1` : undefined,
    sql`EXISTS (SELECT 1 FROM factors AS passkey WHERE passkey.user_id = owner.id AND passkey.type = 'passkey'
      AND passkey.confirmed_at IS NOT NULL AND passkey.id <> ${passkeyId})`,
    sql`EXISTS (SELECT 1 FROM identities AS linked WHERE linked.user_id = owner.id AND linked.id <> ${identityId})`,
  ];
  const any = sql.join(
    ways.filter((way) => way !== undefined),
    sql` OR `,
  );
  return sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND (${any}))`;
}
