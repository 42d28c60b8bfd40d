import { type AppError, invalidField } from "./errors.ts";
import { openCursor, sealCursor } from "./lib/cursor.ts";

/** Which page of a list is asked for. */
export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** A list that is read page by page: `scope` names it with its filters and its order, and the keys seal its cursors. */
interface List<T> {
  scope: string;
  keys: readonly CryptoKey[];
  /** The columns that the order rests on, the last of them unique. */
  placeOf(item: T): readonly (string | number | null)[];
}

/** Where a page begins: behind the place in its cursor. Throws `validation_failed` for a cursor of another list, or a changed one. */
export async function openPage(
  { scope, keys }: Pick<List<never>, "scope" | "keys">,
  { cursor }: PageRequest,
): Promise<unknown[] | undefined> {
  if (cursor === undefined) return undefined;
  const place = await openCursor(cursor, scope, keys);
  if (!place) throw invalidCursor();
  return place;
}

/** A page from up to one row more than its limit: the row beyond says that there is more. */
export async function toPage<T>(
  { scope, keys, placeOf }: List<T>,
  { limit }: PageRequest,
  rows: readonly T[],
): Promise<Page<T>> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items, nextCursor: null };
  return { items, nextCursor: await sealCursor(placeOf(last), scope, keys) };
}

/** A 422 for a cursor that is not one of this list. */
export function invalidCursor(): AppError {
  return invalidField("cursor", "invalid_cursor", "Not a cursor of this list.");
}
