import { and, eq, gt, lt, lte, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { emailLogins } from "../../db/schema/email-logins.ts";
import { HOUR, MINUTE } from "../../lib/time.ts";

/** How many codes can be tried per login. */
const MAX_TRIES = 5;

interface NewLogin {
  addressHash: string;
  loginId: string;
  /** The active user who has the address, if there is one. */
  userId: string | null;
  requestedAt: number;
  expiresAt: number;
}

/**
 * Stores the latest login that was requested for an address, unless one was requested within the last minute, or `perHour` within the
 * last hour.
 */
export function upsertLogin(db: Db, login: NewLogin, perHour: number) {
  const { addressHash, ...latest } = login;
  const { requestedAt: now } = latest;
  const recent = sql`(SELECT value FROM json_each(${emailLogins.recentRequests}) WHERE value > ${now - HOUR})`;
  return db
    .insert(emailLogins)
    .values({ addressHash, ...latest, recentRequests: [now], tries: 0 })
    .onConflictDoUpdate({
      target: emailLogins.addressHash,
      set: {
        ...latest,
        recentRequests: sql`(SELECT json_insert(json_group_array(value), '$[#]', CAST(${now} AS INTEGER)) FROM ${recent})`,
        tries: 0,
      },
      setWhere: sql`${lte(emailLogins.requestedAt, now - MINUTE)} AND (SELECT count(*) FROM ${recent}) < ${perHour}`,
    });
}

/** The latest login that was requested for an address. */
export function findLogin(db: Db, addressHash: string) {
  return db
    .select({
      loginId: emailLogins.loginId,
      tries: emailLogins.tries,
      expiresAt: emailLogins.expiresAt,
    })
    .from(emailLogins)
    .where(eq(emailLogins.addressHash, addressHash));
}

interface LoginRef {
  addressHash: string;
  loginId: string;
}

/** True while a login is the latest one of its address. */
export function whereLatest({ addressHash, loginId }: LoginRef): SQL {
  return sql`EXISTS (SELECT 1 FROM email_logins AS latest WHERE latest.address_hash = ${addressHash}
    AND latest.login_id = ${loginId})`;
}

/** The id of the user who had an address when the latest login was requested for it, for another statement; NULL if nobody had it. */
export function selectLoginUser(addressHash: string): SQL {
  return sql`(SELECT latest.user_id FROM email_logins AS latest WHERE latest.address_hash = ${addressHash})`;
}

/** Counts a code before it is checked. Changes no row if five were tried, or the login has expired or is not the latest one. */
export function countTry(db: Db, { addressHash, loginId }: LoginRef, now: number) {
  return db
    .update(emailLogins)
    .set({ tries: sql`${emailLogins.tries} + 1` })
    .where(
      and(
        eq(emailLogins.addressHash, addressHash),
        eq(emailLogins.loginId, loginId),
        gt(emailLogins.expiresAt, now),
        lt(emailLogins.tries, MAX_TRIES),
      ),
    )
    .returning({ tries: emailLogins.tries });
}

/** Deletes up to `limit` logins that have expired, and no longer count towards the requests of an hour. */
export function deleteExpiredEmailLogins(db: Db, now: number, limit: number) {
  return db
    .delete(emailLogins)
    .where(
      sql`${emailLogins.addressHash} IN (SELECT address_hash FROM email_logins WHERE expires_at < ${now - HOUR} LIMIT ${limit})`,
    )
    .returning({ addressHash: emailLogins.addressHash });
}
