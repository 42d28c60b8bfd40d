import { type AppError, invalidField } from "./errors.ts";
import { openCursor, sealCursor } from "./lib/cursor.ts";

/** The page of a list that a request asks for. */
export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
  /** How many items to leave out before the page. Never together with `cursor`. */
  skip?: number | undefined;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
  /** Where the page is in the list, if it was requested with `skip`. */
  place?: { skip: number; total: number } | undefined;
}

/** The row of a statement that counts the items of a list. */
export interface TotalRow {
  total: number;
}

/** A paginated list. `scope` identifies the list, its filters and its order; `keys` seal its cursors. */
interface List<T> {
  scope: string;
  keys: readonly CryptoKey[];
  /** The values by which items are sorted. They must identify an item. */
  positionOf(item: T): readonly (string | number | null)[];
}

/**
 * The position after which a page starts, from its cursor; undefined for the first page. Throws `validation_failed` if the cursor
 * was changed or belongs to another list.
 */
export async function openPage(
  { scope, keys }: Pick<List<never>, "scope" | "keys">,
  { cursor }: PageRequest,
): Promise<unknown[] | undefined> {
  if (cursor === undefined) return undefined;
  const position = await openCursor(cursor, scope, keys);
  if (!position) throw invalidCursor();
  return position;
}

/**
 * Makes a page from up to `limit` + 1 rows. The extra row shows that there is a next page. `totals` has one row if the request has
 * `skip`.
 */
export async function toPage<T>(
  { scope, keys, positionOf }: List<T>,
  { limit, skip }: PageRequest,
  rows: readonly T[],
  [counted]: readonly TotalRow[],
): Promise<Page<T>> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  const nextCursor = hasMore ? await sealCursor(positionOf(last), scope, keys) : null;
  const place = skip === undefined ? undefined : { skip, total: counted?.total ?? 0 };
  return { items, nextCursor, place };
}

/** A `validation_failed` error for a cursor that does not belong to this list. */
export function invalidCursor(): AppError {
  return invalidField("cursor", "invalid_cursor", "Must be a cursor of this list.");
}
