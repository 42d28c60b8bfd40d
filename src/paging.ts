import { type AppError, invalidField } from "./errors.ts";
import { openCursor, sealCursor } from "./lib/cursor.ts";

/** The page of a list that a request asks for. */
export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
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

/** Makes a page from up to `limit` + 1 rows. The extra row shows that there is a next page. */
export async function toPage<T>(
  { scope, keys, positionOf }: List<T>,
  { limit }: PageRequest,
  rows: readonly T[],
): Promise<Page<T>> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items, nextCursor: null };
  return { items, nextCursor: await sealCursor(positionOf(last), scope, keys) };
}

/** A `validation_failed` error for a cursor that does not belong to this list. */
export function invalidCursor(): AppError {
  return invalidField("cursor", "invalid_cursor", "Must be a cursor of this list.");
}
