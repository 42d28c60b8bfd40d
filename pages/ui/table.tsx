import type { ComponentChildren } from "preact";

interface TableProps {
  /** What the table lists, for screen readers. */
  caption: string;
  columns: readonly string[];
  children: ComponentChildren;
}

/** A table that scrolls sideways in narrow windows. */
export function Table({ caption, columns, children }: TableProps) {
  return (
    // A region that scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
