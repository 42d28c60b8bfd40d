import { type SQL, sql } from "drizzle-orm";
import { type Db, db } from "../../db/client.ts";
import { users } from "../../db/schema/users.ts";
import { type Form, prepareForms } from "../../db/statement.ts";
import { publicColumns, type UserRow } from "./repository.ts";
import { toMatch, type Words } from "./search.ts";

/** The column that each sort compares. Each sort has two indexes that end in its column and `id`: see db/schema/users.ts. */
const SORT_COLUMNS = {
  created_at: users.createdAt,
  updated_at: users.updatedAt,
  username: users.usernameKey,
  email: users.emailKey,
  last_login_at: users.lastLoginKey,
} as const;

export type UserSort = keyof typeof SORT_COLUMNS;

/** What a list of users selects. What is undefined selects everyone. */
export type UserFilter = {
  deleted: boolean;
  role: string | undefined;
  isActive: boolean | undefined;
  emailVerified: boolean | undefined;
  mfaEnabled: boolean | undefined;
  /** From this time on. Only for the sort `created_at`. */
  createdAfter: number | undefined;
  /** Before this time. Only for the sort `created_at`. */
  createdBefore: number | undefined;
};

export type UserOrder = {
  sort: UserSort;
  isDescending: boolean;
};

/** Which part of a list to read: `limit` rows after a position, or after `skip` rows. */
export interface Part {
  /** The sort key and the id of the last user of the previous page, or the sort key of a search. */
  after: readonly unknown[] | undefined;
  skip: number | undefined;
  limit: number;
}

/** A user, with the value by which the list is sorted unless that is when the user was created. */
export type ListedUser = Omit<UserRow, "version"> & { sortKey?: string | number };

/** The position of a user in a list: the `after` of the next part. */
export function positionOf({ sortKey, createdAt, id }: ListedUser): (string | number)[] {
  return [sortKey ?? createdAt, id];
}

/** What is bound to a list. Its SQL depends on everything else. */
const BOUND = ["role", "createdAfter", "createdBefore", "key", "id", "limit", "skip"] as const;

type List = UserFilter & UserOrder & Place & { roleKind: "user" | "other" | undefined };
type ListForm = Form<List, (typeof BOUND)[number]>;

/** A `Part`, with the position by its values. */
type Place = {
  key: string | number | undefined;
  id: unknown;
  limit: number;
  skip: number | undefined;
};

/** SQLite in D1 refuses longer compound statements. */
const MAX_ARMS = 4;

/** What the statements within a list select: all that its rows and its orders are made of. */
const ARM_COLUMNS = sql.raw(
  [
    ...new Set([
      ...Object.values(publicColumns).flatMap((column) => ("name" in column ? column.name : [])),
      ...Object.values(SORT_COLUMNS).map(({ name }) => name),
      users.passwordHash.name,
    ]),
  ].join(", "),
);

const { version: _, ...listedColumns } = publicColumns;

/**
 * What lists return, by their names alone: drizzle does not know the tables of a statement within another. Each value costs about as
 * much as the rest of its row, so there are none that lists do not need.
 */
const pageColumns = Object.fromEntries(
  Object.entries(listedColumns).map(([name, column]) => [
    name,
    "name" in column ? sql`${sql.identifier(column.name)}`.mapWith(column) : column,
  ]),
) as unknown as typeof listedColumns;

/**
 * Users in an order, then by id in the same direction. Reads only the rows that it returns or skips, and at most sixteen more.
 *
 * The indexes of the sorts group users by whether they are deleted, have the role `user`, are active, have verified their email,
 * and have a second factor. The list merges the groups that the filter selects, at most sixteen, each of which is read in the order
 * of the index.
 * The default list has indexes of its own, which do not group.
 */
export function listUsers(_db: Db, filter: UserFilter, order: UserOrder, part: Part) {
  return selectList(toList(filter, order, part));
}

const selectList = prepareForms<List>()(BOUND, (list) => {
  const { sort, isDescending, limit, skip } = list;
  const column = sql.identifier(SORT_COLUMNS[sort].name);
  const direction = isDescending ? sql`DESC` : sql`ASC`;
  const order = sql`${column} ${direction}, id ${direction}`;
  const selected = db.select({
    ...pageColumns,
    ...(sort !== "created_at" && { sortKey: sql<string | number>`${column}`.as("sort_key") }),
  });
  const source = indexedUsers(list);
  const bounds = toBounds(list);
  const conditions = toGroups(list).map((group) => sql`${group}${bounds}`);
  const [condition, ...others] = conditions;
  if (others.length === 0) {
    return selected
      .from(source)
      .where(condition)
      .orderBy(order)
      .limit(limit)
      .offset(skip ?? 0);
  }
  const arms = conditions.map((where) => sql`SELECT ${ARM_COLUMNS} FROM ${source} WHERE ${where}`);
  const sorted = sql`ORDER BY ${order}`;
  const page = sql`${merge(arms, sorted)} ${sorted} ${toLimit(list)}`;
  return selected.from(sql`(${page}) AS page`).orderBy(order);
});

/** The number of users that a filter selects. Reads an index entry per user. */
export function countUsers(_db: Db, filter: UserFilter, order: UserOrder) {
  return countList(toList(filter, order));
}

const countList = prepareForms<List>()(BOUND, (list) => {
  const groups = isPlain(list) ? sql.join(toGroups(list)) : whereInGroups(list);
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(indexedUsers(list))
    .where(sql`${groups}${toBounds(list)}`);
});

/** Users whose names or email contain all the words, those who were added last first. Reads about two rows per user. */
export function searchUsers(_db: Db, words: Words, filter: UserFilter, part: Part) {
  return selectFound({ match: toMatch(words, filter), ...toPlace(part) });
}

const selectFound = prepareForms<Place & { match: string }>()(
  ["match", "key", "id", "limit", "skip"],
  (list) => {
    // Bound numbers are floating-point numbers, from which the search index cannot start.
    const before = list.key && sql` AND rowid < CAST(${list.key} AS INTEGER)`;
    const found = sql`SELECT rowid AS place FROM users_search WHERE users_search MATCH ${list.match}${before}
    ORDER BY rowid DESC ${toLimit(list)}`;
    return db
      .select({ ...pageColumns, sortKey: sql<string | number>`place`.as("sort_key") })
      .from(sql`(${found}) AS page CROSS JOIN users`)
      .where(sql`users.seq = page.place`)
      .orderBy(sql`place DESC`);
  },
);

/** The number of users that a search finds. Reads an index entry per user. */
export function countFound(db: Db, words: Words, filter: UserFilter) {
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(sql`users_search`)
    .where(sql`users_search MATCH ${toMatch(words, filter)}`);
}

function toList(filter: UserFilter, order: UserOrder, part?: Part): List {
  const { role } = filter;
  const roleKind = role === undefined || role === "user" ? role : "other";
  return { ...filter, ...order, ...toPlace(part), roleKind };
}

function toPlace(part: Part | undefined): Place {
  const [key, id] = part?.after ?? [];
  return { key, id, limit: part?.limit ?? 0, skip: part?.skip || undefined } as Place;
}

/** The groups of users that a filter selects, each as a condition that fixes all columns of the index before the sort column. */
function toGroups(list: ListForm): SQL[] {
  const { deleted, roleKind, isActive, emailVerified, mfaEnabled } = list;
  if (isPlain(list)) return [sql`deleted_at ${deleted ? sql`IS NOT NULL` : sql`IS NULL`}`];
  const roles =
    roleKind === undefined
      ? [sql`(role = 'user') = 1`, sql`(role = 'user') = 0`]
      : [whereRole(list)];
  return roles.flatMap((whereInRole) =>
    toDigits(isActive).flatMap((active) =>
      toDigits(emailVerified).flatMap((verified) =>
        toDigits(mfaEnabled).map(
          (mfa) =>
            sql`(deleted_at IS NULL) = ${toDigit(!deleted)} AND ${whereInRole} AND is_active = ${active} AND email_verified = ${verified}
              AND mfa_enabled = ${mfa}`,
        ),
      ),
    ),
  );
}

// All groups in one condition, for which the order does not matter.
function whereInGroups(list: ListForm): SQL {
  const { deleted, roleKind, isActive, emailVerified, mfaEnabled } = list;
  const either = (value: boolean | undefined) => sql`IN (${sql.join(toDigits(value), sql`, `)})`;
  return sql`(deleted_at IS NULL) = ${toDigit(!deleted)}
    AND ${roleKind === undefined ? sql`(role = 'user') ${either(undefined)}` : whereRole(list)}
    AND is_active ${either(isActive)} AND email_verified ${either(emailVerified)}
    AND mfa_enabled ${either(mfaEnabled)}`;
}

/** Whether a list is in the default order, or its reverse, without filters but for times. */
function isPlain({ sort, roleKind, isActive, emailVerified, mfaEnabled }: ListForm): boolean {
  const values = [roleKind, isActive, emailVerified, mfaEnabled];
  const isFiltered = values.some((value) => value !== undefined);
  return sort === "created_at" && !isFiltered;
}

// The second condition is that of the partial indexes.
function whereRole({ role, roleKind }: ListForm): SQL {
  return roleKind === "user" ? sql`(role = 'user') = 1` : sql`role = ${role} AND role <> 'user'`;
}

/** The users, to be read by the index of a sort. D1 would refuse the statement if the index did not fit it. */
function indexedUsers(list: ListForm): SQL {
  return sql`users INDEXED BY ${sql.identifier(toIndex(list))}`;
}

function toIndex(list: ListForm): string {
  if (isPlain(list)) return list.deleted ? "users_deleted" : "users_living";
  return `users_by_${list.roleKind === "other" ? "role_" : ""}${list.sort}`;
}

// Row values use both columns of the index. A position is within the times that the filter selects, so it replaces one of them.
function toBounds({ createdAfter, createdBefore, sort, isDescending, key, id }: ListForm): SQL {
  const column = sql.identifier(SORT_COLUMNS[sort].name);
  const comparison = isDescending ? sql`<` : sql`>`;
  const isFrom = createdAfter !== undefined && (!key || isDescending);
  const isTo = createdBefore !== undefined && (!key || !isDescending);
  return sql.join([
    ...(key ? [sql` AND (${column}, id) ${comparison} (${key}, ${id})`] : []),
    ...(isFrom ? [sql` AND created_at >= ${createdAfter}`] : []),
    ...(isTo ? [sql` AND created_at < ${createdBefore}`] : []),
  ]);
}

// SQLite merges sorted statements row by row, without reading more of each than the result needs.
function merge(arms: readonly SQL[], sorted: SQL): SQL {
  if (arms.length <= MAX_ARMS) return sql.join([...arms], sql` UNION ALL `);
  const parts = arms.flatMap((_, index) =>
    index % MAX_ARMS === 0 ? [arms.slice(index, index + MAX_ARMS)] : [],
  );
  return merge(
    parts.map((part) => sql`SELECT * FROM (${merge(part, sorted)} ${sorted})`),
    sorted,
  );
}

function toLimit({ limit, skip }: Form<Place, keyof Place>): SQL {
  return skip ? sql`LIMIT ${limit} OFFSET ${skip}` : sql`LIMIT ${limit}`;
}

// Written into the statement: there are few combinations, and a statement has at most 100 parameters.
function toDigit(value: boolean): SQL {
  return value ? sql`1` : sql`0`;
}

function toDigits(value: boolean | undefined): SQL[] {
  return (value === undefined ? [true, false] : [value]).map(toDigit);
}
