/** A list that arrives in pages. Only one page is in memory at a time. */
export type Paged<T> = AsyncIterable<readonly T[]>;

/** A document some of whose lists arrive in pages. */
export type PagedDocument<T extends object> = {
  [K in keyof T]: T[K] extends readonly (infer Item)[] ? T[K] | Paged<Item> : T[K];
};

/** Writes a document as JSON, piece by piece. A piece ends with each page of a list, so that no piece is larger than a page. */
export async function* writeJson(document: object): AsyncGenerator<string> {
  let text = "{";
  for (const [index, [name, value]] of Object.entries(document).entries()) {
    text += `${index > 0 ? "," : ""}${JSON.stringify(name)}:`;
    if (!isPaged(value)) {
      text += JSON.stringify(value);
      continue;
    }
    let separator = "[";
    for await (const items of value) {
      yield text + separator + items.map((item) => JSON.stringify(item)).join(",");
      text = "";
      separator = ",";
    }
    text += separator === "[" ? "[]" : "]";
  }
  yield `${text}}`;
}

/**
 * Writes a list as newline-delimited JSON, a page at a time. The line feed of a line comes with the next page or the end, and
 * the last line of a page is written up to its last character before: if the list breaks off, what was written ends within a
 * line.
 */
export async function* writeLines(pages: Paged<object>): AsyncGenerator<string> {
  let held = "";
  for await (const items of pages) {
    if (items.length === 0) continue;
    const text = items.map((item) => JSON.stringify(item)).join("\n");
    yield held + text.slice(0, -1);
    held = `${text.slice(-1)}\n`;
  }
  yield held;
}

/** Applies a function to every item of a paged list, a page at a time. */
export async function* mapPages<T, R>(
  pages: Paged<T>,
  convert: (item: T) => R | Promise<R>,
): AsyncGenerator<R[]> {
  for await (const items of pages) yield await Promise.all(items.map(convert));
}

function isPaged(value: unknown): value is Paged<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
