import { sqlAll, sqlRun } from "../support/fixtures.ts";

/** A user as the test knows it. */
export interface Person {
  id: string;
  username: string;
  email: string;
  first_name: string;
  last_name: string;
  role: string;
  is_active: number;
  email_verified: number;
  mfa_enabled: number;
  created_at: number;
  updated_at: number;
  last_login_at: number;
  deleted_at: number | null;
  seq: number;
}

const FIRST_NAMES = ["Ada", "Zoë", "José", "Bo", "Grace", "Jean-Luc", "Mai Ánh", "李"];
const LAST_NAMES = ["Lovelace", "O'Neil", "Müller", "Nguyễn", "Hopper", "von Ada", "Li"];

/**
 * Inserts users of every kind: many values are equal, most users have the role `user`, few are inactive or deleted, and the orders
 * of the sorts have nothing to do with each other.
 */
export async function insertPeople(count: number, prefix = "p"): Promise<void> {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0).toString(16));
  const tail = codes.join("").padStart(12, "0").slice(-12);
  await sqlRun(
    `INSERT INTO users (id, username, username_key, email, email_key, first_name, last_name, role, is_active, email_verified,
       mfa_enabled, created_at, updated_at, last_login_at, deleted_at)
     WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
     SELECT printf('%08x-0000-7000-8000-${tail}', (i * 7919 + 13) % 4294967296), '${prefix}_' || (i * 7919 % ?1), '${prefix}_' || (i * 7919 % ?1),
       'mail' || (i * 104729 % ?1) || '.${prefix}@Example.com', 'mail' || (i * 104729 % ?1) || '.${prefix}@example.com',
       json_extract(?2, '$[' || (i % ${FIRST_NAMES.length}) || ']'), json_extract(?3, '$[' || (i % ${LAST_NAMES.length}) || ']'),
       CASE WHEN i % 20 = 7 THEN 'moderator' WHEN i % 20 = 8 THEN 'support' ELSE 'user' END, i % 9 <> 4, i % 3 = 1, i % 5 = 3,
       1000 + i / 5 * 1000, 2000 + i * 31 % 997, CASE WHEN i % 4 = 3 THEN NULL ELSE 3000 + i * 17 % 499 END,
       CASE WHEN i % 11 = 2 THEN 5000 + i END
     FROM n`,
    count,
    JSON.stringify(FIRST_NAMES),
    JSON.stringify(LAST_NAMES),
  );
}

/** All users, with the values that the sorts compare. */
export function readPeople(): Promise<Person[]> {
  return sqlAll<Person>(`SELECT id, username_key AS username, email_key AS email, coalesce(first_name, '') AS first_name,
    coalesce(last_name, '') AS last_name, role, is_active, email_verified, mfa_enabled, created_at, updated_at,
    coalesce(last_login_at, 0) AS last_login_at, deleted_at, seq FROM users`);
}

export interface Filter {
  role?: string;
  is_active?: boolean;
  email_verified?: boolean;
  mfa_enabled?: boolean;
  deleted?: boolean;
}

/** Every combination of filters. */
export const FILTERS: readonly Filter[] = [undefined, "user", "moderator"].flatMap((role) =>
  [undefined, true, false].flatMap((is_active) =>
    [undefined, true, false].flatMap((email_verified) =>
      [undefined, true, false].flatMap((mfa_enabled) =>
        [undefined, true].map((deleted) => ({
          ...(role !== undefined && { role }),
          ...(is_active !== undefined && { is_active }),
          ...(email_verified !== undefined && { email_verified }),
          ...(mfa_enabled !== undefined && { mfa_enabled }),
          ...(deleted && { deleted }),
        })),
      ),
    ),
  ),
);

/** Whether a filter selects a user. */
export function selects(filter: Filter, person: Person): boolean {
  return (
    (filter.deleted ?? false) === (person.deleted_at !== null) &&
    (filter.role ?? person.role) === person.role &&
    (filter.is_active ?? Boolean(person.is_active)) === Boolean(person.is_active) &&
    (filter.email_verified ?? Boolean(person.email_verified)) === Boolean(person.email_verified) &&
    (filter.mfa_enabled ?? Boolean(person.mfa_enabled)) === Boolean(person.mfa_enabled)
  );
}

export const SORTS = ["created_at", "updated_at", "username", "email", "last_login_at"] as const;

/** Users in the order of a sort. */
export function inOrder(people: readonly Person[], sort: string): Person[] {
  const field = sort.replace("-", "") as (typeof SORTS)[number] | "seq";
  const direction = sort.startsWith("-") ? -1 : 1;
  const compare = <T>(a: T, b: T) => (a < b ? -1 : Number(a > b));
  return people.toSorted(
    (a, b) => direction * (compare(a[field], b[field]) || compare(a.id, b.id)),
  );
}

/** Whether a search finds a user. */
export function finds(q: string, person: Person): boolean {
  const { username, email, first_name, last_name } = person;
  const text = fold(` ${username} ${email} ${first_name} ${last_name}`);
  return fold(q)
    .split(" ")
    .every((word) =>
      word.length > 2
        ? text.includes(word)
        : /[ ._@+'-]/.test(word)
          ? text.includes(word)
          : text.split(/[ ._@+'-]/).some((part) => part.startsWith(word)),
    );
}

function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase();
}

/** The query of a filter and other parameters. */
export function toQuery(parameters: object): string {
  return new URLSearchParams(
    Object.entries(parameters).map(([name, value]) => [name, String(value)]),
  ).toString();
}
