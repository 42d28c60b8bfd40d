import { invalidField } from "./errors.ts";
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

/** Where a list is walked: `scope` names the list, its filters and its order, and the keys seal its cursors. */
interface Walk<T> extends PageRequest {
  scope: string;
  keys: readonly CryptoKey[];
  /** The columns that the order rests on, the last of them unique. */
  placeOf(item: T): readonly (string | number | null)[];
  /** Reads up to so many items behind a place. */
  read(after: readonly unknown[] | undefined, limit: number): PromiseLike<T[]>;
}

/** A page of a list that is walked by its order, so that each page costs the same. Throws `validation_failed` for a cursor of another list, or a changed one. */
export async function readPage<T>(walk: Walk<T>): Promise<Page<T>> {
  const { cursor, limit, scope, keys } = walk;
  const after = cursor === undefined ? undefined : await openCursor(cursor, scope, keys);
  if (cursor !== undefined && !after) {
    throw invalidField("cursor", "invalid_cursor", "Not a cursor of this list.");
  }
  const rows = await walk.read(after, limit + 1);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items, nextCursor: null };
  return { items, nextCursor: await sealCursor(walk.placeOf(last), scope, keys) };
}
