import { eq, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../../access/target.ts";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { profiles } from "../../db/schema/profiles.ts";
import { roles } from "../../db/schema/roles.ts";
import { users } from "../../db/schema/users.ts";

/** The fields of a profile. `metadata` is a JSON object. */
export type ProfileValues = Omit<typeof profiles.$inferSelect, "userId" | "version" | "updatedAt">;

/**
 * The profile of a user who is not deleted, with the user's data key and permissions. Without a row it is empty and at version
 * 0. Every column has a unique name.
 */
export function findProfile(db: Db, user: UserRef) {
  return db
    .select({
      displayName: profiles.displayName,
      bio: profiles.bio,
      avatarUrl: profiles.avatarUrl,
      phone: profiles.phone,
      locale: profiles.locale,
      timezone: profiles.timezone,
      metadata: sql<string>`coalesce(${profiles.metadata}, '{}')`.as("metadata"),
      version: sql<number>`coalesce(${profiles.version}, 0)`.as("profile_version"),
      id: sql<string>`${users.id}`.as("user_id"),
      dataKey: users.dataKey,
      permissions: roles.permissions,
    })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .leftJoin(profiles, eq(profiles.userId, users.id))
    .where(sql`${users.id} = ${user} AND ${users.deletedAt} IS NULL`);
}

export type FoundProfile = Awaited<ReturnType<typeof findProfile>>[number];

/**
 * Writes the profile of a user who is not deleted, where the condition holds and the profile is still at the version given (0
 * for none). Returns the new version.
 */
export function upsertProfile(
  db: Db,
  at: { userId: string; version: number; now: number },
  values: ProfileValues,
  condition: SQL,
) {
  const set = { ...values, version: at.version + 1, updatedAt: at.now };
  const row = { userId: at.userId, ...set };
  return insertWhere(db, profiles, row, sql`${whereProfileAt(at)} AND ${condition}`)
    .onConflictDoUpdate({ target: profiles.userId, set })
    .returning({ version: profiles.version });
}

// True while a user is not deleted and their profile is at a version.
function whereProfileAt({ userId, version }: { userId: string; version: number }): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS owner LEFT JOIN profiles AS current ON current.user_id = owner.id
    WHERE owner.id = ${userId} AND owner.deleted_at IS NULL AND coalesce(current.version, 0) = ${version})`;
}
