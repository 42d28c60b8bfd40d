import { eq, type SQL, sql } from "drizzle-orm";
import { permissionsOfRole } from "../../access/conditions.ts";
import type { Db } from "../../db/client.ts";
import { profiles } from "../../db/schema/profiles.ts";
import { users } from "../../db/schema/users.ts";

const columns = {
  displayName: profiles.displayName,
  bio: profiles.bio,
  avatarUrl: profiles.avatarUrl,
  phone: profiles.phone,
  locale: profiles.locale,
  timezone: profiles.timezone,
  metadata: profiles.metadata,
};

/** The profile of a user who is not deleted, with what decides who may change it. Columns are null where there is no profile yet. */
export function findProfile(db: Db, userId: string) {
  return db
    .select({
      ...columns,
      version: sql<number>`coalesce(${profiles.version}, 0)`.as("profile_version"),
      id: sql<string>`${users.id}`.as("user_id"),
      dataKey: users.dataKey,
      ownerPermissions: permissionsOfRole(sql`users.role`).as("owner_permissions"),
    })
    .from(users)
    .leftJoin(profiles, eq(profiles.userId, users.id))
    .where(sql`${users.id} = ${userId} AND users.deleted_at IS NULL`);
}

export type FoundProfile = Awaited<ReturnType<typeof findProfile>>[number];
export type ProfileValues = Pick<FoundProfile, keyof typeof columns> & { metadata: string };

/** Writes the profile of a user who is not deleted, if it is still at the version given, 0 being none, and the condition holds. Returns its new version. */
export function upsertProfile(
  db: Db,
  at: { userId: string; version: number; now: number },
  values: ProfileValues,
  condition: SQL,
) {
  const version = at.version + 1;
  return db
    .insert(profiles)
    .select(
      sql`SELECT users.id, ${values.displayName}, ${values.bio}, ${values.avatarUrl}, ${values.phone}, ${values.locale},
        ${values.timezone}, ${values.metadata}, ${version}, ${at.now}
        FROM users WHERE users.id = ${at.userId} AND users.deleted_at IS NULL AND ${condition} AND coalesce((SELECT current.version FROM profiles AS current WHERE current.user_id = ${at.userId}), 0) = ${at.version}`,
    )
    .onConflictDoUpdate({
      target: profiles.userId,
      set: { ...values, version, updatedAt: at.now },
    })
    .returning({ version: profiles.version });
}
