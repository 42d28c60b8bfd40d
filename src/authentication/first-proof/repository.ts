import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { users } from "../../db/schema/users.ts";
import { toDay } from "../../lib/time.ts";

/** What someone may have set up in an account without having proven its address. */
export function findUnproven(db: Db, userId: string, now: number) {
  const exists = (table: string, condition: SQL) =>
    sql`EXISTS (SELECT 1 FROM ${sql.identifier(table)} AS own WHERE own.user_id = ${userId} AND ${condition})`;
  return db
    .select({
      password: sql`${users.passwordHash} IS NOT NULL`.mapWith(Boolean).as("has_password"),
      sessions: exists("sessions", sql`own.revoked_at IS NULL AND own.expires_at > ${now}`)
        .mapWith(Boolean)
        .as("has_sessions"),
      api_keys: exists("api_keys", sql`(own.revoked_at IS NULL) = 1`)
        .mapWith(Boolean)
        .as("has_api_keys"),
      factors: users.mfaEnabled,
      identities: exists("identities", sql`true`).mapWith(Boolean).as("has_identities"),
    })
    .from(users)
    .where(eq(users.id, userId));
}

/** The day on which the user registered: today for someone who was invited and proves that the address is theirs for the first time. */
export function acceptInvitation(now: number): SQL {
  return sql`iif(${users.registeredDay} = 0, ${toDay(now)}, ${users.registeredDay})`;
}

/** Marks the address of an active user as verified and removes their password, unless it is verified already, where the condition holds. */
export function verifyAndRemovePassword(
  db: Db,
  { userId, emailKey, now }: { userId: string; emailKey: string; now: number },
  condition: SQL,
) {
  return db
    .update(users)
    .set({
      emailVerified: true,
      passwordHash: null,
      passwordVersion: sql`${users.passwordVersion} + 1`,
      passwordExpired: false,
      registeredDay: acceptInvitation(now),
      version: sql`${users.version} + 1`,
      updatedAt: now,
    })
    .where(
      and(
        eq(users.id, userId),
        eq(users.emailKey, emailKey),
        eq(users.emailVerified, false),
        eq(users.isActive, true),
        isNull(users.deletedAt),
        condition,
      ),
    )
    .returning({ passwordVersion: users.passwordVersion });
}
