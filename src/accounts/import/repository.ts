import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertRowsWhere, ofRow } from "../../db/insert.ts";
import { profiles } from "../../db/schema/profiles.ts";
import { roles } from "../../db/schema/roles.ts";
import { users } from "../../db/schema/users.ts";
import type { ProfileValues } from "../profiles/repository.ts";
import type { NewUser } from "../users/repository.ts";

/** True if a user with this id exists, whether this call or an earlier one with the same key has inserted it. */
function whereInserted(id: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS made WHERE made.id = ${id})`;
}

function whereTold(id: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM audit_events AS told WHERE told.target_id = ${id} AND told.action = 'user.created')`;
}

/** True if a user with this id was inserted by this call: no event tells of it. */
export function whereNew(id: SQL): SQL {
  return sql`${whereInserted(id)} AND NOT ${whereTold(id)}`;
}

/** True unless an earlier call with the same key has created the row's user, who may have been erased since. */
export const whereNotCreated: SQL = sql`NOT ${whereTold(ofRow(users.id))}`;

/** True if the role of the row that is inserted exists. */
export const whereRoleExists: SQL = sql`EXISTS (SELECT 1 FROM roles AS given WHERE given.name = ${ofRow(users.role)})`;

/** The permissions of roles, by name. */
export function listGrants(db: Db, names: readonly string[]) {
  return db
    .select({ name: roles.name, permissions: roles.permissions })
    .from(roles)
    .where(sql`${roles.name} IN (SELECT value FROM json_each(${JSON.stringify(names)}))`);
}

/** Inserts the profiles of users who were inserted before in the same transaction. */
export function insertProfiles(
  db: Db,
  rows: readonly { userId: string; values: ProfileValues; now: number }[],
) {
  const fresh = rows.map(({ userId, values, now }) => ({
    userId,
    ...values,
    version: 1,
    updatedAt: now,
  }));
  return insertRowsWhere(
    db,
    profiles,
    fresh,
    whereInserted(ofRow(profiles.userId)),
  ).onConflictDoNothing();
}

/** Of these new users, those who were not created, by this call or an earlier one, and which of their names another user has. */
export function listNotInserted(db: Db, rows: readonly NewUser[]) {
  const input = rows.map(({ id, emailKey, usernameKey }) => ({ id, emailKey, usernameKey }));
  const isTaken = (column: SQL, key: string) =>
    sql<boolean>`EXISTS (SELECT 1 FROM users AS other WHERE ${column} = (input.value ->> ${sql.raw(`'${key}'`)})
      AND other.deleted_at IS NULL)`.mapWith(Boolean);
  const id = sql<string>`(input.value ->> 'id')`;
  return db
    .select({
      id: id.as("id"),
      isEmailTaken: isTaken(sql`other.email_key`, "emailKey").as("is_email_taken"),
      isUsernameTaken: isTaken(sql`other.username_key`, "usernameKey").as("is_username_taken"),
    })
    .from(sql`json_each(${JSON.stringify(input)}) AS input`)
    .where(sql`NOT ${whereInserted(id)} AND NOT ${whereTold(id)}`);
}
