import { useState } from "preact/hooks";
import { useTexts } from "../texts/texts.ts";
import { type Loaded, useLoad } from "../ui/load.tsx";

interface Page<T> {
  data: T[];
  pagination: { has_more: boolean; next_cursor: string | null };
}

interface Paged<T> extends Loaded<Page<T>> {
  /** Opens the next page; undefined on the last one. */
  next: (() => void) | undefined;
  /** Opens the page before; undefined on the first one. */
  previous: (() => void) | undefined;
}

/** Loads a list page by page. When a key changes, the component must be new, because cursors belong to one list. */
export function usePages<T>(load: (cursor: { cursor?: string }) => Promise<Page<T>>): Paged<T> {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const loaded = useLoad(() => load(cursor === undefined ? {} : { cursor }), [cursor]);
  const following = loaded.data?.pagination.next_cursor;
  return {
    ...loaded,
    next: following ? () => setCursors([...cursors, following]) : undefined,
    previous: cursors.length > 0 ? () => setCursors(cursors.slice(0, -1)) : undefined,
  };
}

/** Buttons for the next page and the one before. Nothing if there is one page only. */
export function Pager<T>({ of: { next, previous, isLoading } }: { of: Paged<T> }) {
  const { common } = useTexts();
  if (!next && !previous) return null;
  return (
    <div class="actions">
      <button type="button" disabled={!previous || isLoading} onClick={previous}>
        {common.previous}
      </button>
      <button type="button" disabled={!next || isLoading} onClick={next}>
        {common.next}
      </button>
    </div>
  );
}
