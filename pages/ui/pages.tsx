import { useState } from "preact/hooks";
import { useTexts } from "../texts/texts.ts";
import { type Loaded, useLoad } from "./load.tsx";

interface Page<T> {
  data: T[];
  pagination: { next_cursor: string | null };
}

interface Pages<T> {
  loaded: Loaded<Page<T>>;
  /** The cursors of the pages that were opened, of which the last one is shown. Empty on the first page. */
  cursors: readonly string[];
  /** Opens the next page; undefined on the last one. */
  next: (() => void) | undefined;
  /** Opens the page before; undefined on the first one. */
  previous: (() => void) | undefined;
}

/**
 * Loads a list page by page, and begins again with the first page when one of the keys changes. `initial` are the cursors to begin
 * with, of the same list.
 */
export function usePages<T>(
  load: (cursor: { cursor?: string }) => Promise<Page<T>>,
  keys: readonly string[],
  initial: readonly string[] = [],
): Pages<T> {
  const key = JSON.stringify(keys);
  const [place, setPlace] = useState({ key, cursors: initial });
  const cursors = place.key === key ? place.cursors : [];
  const cursor = cursors.at(-1);
  const loaded = useLoad(() => load(cursor === undefined ? {} : { cursor }), [key, cursor]);
  const open = (next: readonly string[]) => () => setPlace({ key, cursors: next });
  const following = loaded.data?.pagination.next_cursor;
  return {
    loaded,
    cursors,
    next: following ? open([...cursors, following]) : undefined,
    previous: cursors.length > 0 ? open(cursors.slice(0, -1)) : undefined,
  };
}

/** Buttons for the next page and the one before. Nothing if there is one page only. */
export function Pager<T>({ of }: { of: Pages<T> }) {
  const { common } = useTexts();
  const { next, previous, cursors, loaded } = of;
  if (!next && !previous) return null;
  // A button that cannot be used stays in the order of focus: the next page must not move the focus away.
  const button = (text: string, open: (() => void) | undefined) => (
    <button
      type="button"
      aria-disabled={!open || loaded.isLoading}
      onClick={() => !loaded.isLoading && open?.()}
    >
      {text}
    </button>
  );
  return (
    <div class="pager">
      {button(common.previous, previous)}
      <span role="status">{common.page(cursors.length + 1)}</span>
      {button(common.next, next)}
    </div>
  );
}
