import type { Tokens } from "marked";
import { resolveLink } from "./links.ts";
import { isHeading, listTokens, PARTS, type Page, type Part, textOf } from "./pages.ts";

export interface Entry {
  label: string;
  page: Page;
}

export interface Section {
  title: string;
  entries: Entry[];
}

/** The pages that the index of a part lists, in its sections. */
export function readNavigation(part: Part, pages: ReadonlyMap<string, Page>): Section[] {
  const index = pages.get(indexOf(part));
  if (!index) throw new Error(`There is no ${indexOf(part)}.`);
  const sections: Section[] = [];
  for (const token of index.tokens) {
    if (isHeading(token) && token.depth === 2) {
      sections.push({ title: textOf(token.tokens), entries: [] });
    } else if (token.type === "list") {
      sections.at(-1)?.entries.push(...listEntries(token as Tokens.List, index, pages));
    }
  }
  return sections.filter(({ entries }) => entries.length > 0);
}

export function indexOf(part: Part): string {
  return `docs/${part}/README.md`;
}

function listEntries(
  { items }: Tokens.List,
  index: Page,
  pages: ReadonlyMap<string, Page>,
): Entry[] {
  const links = items
    .flatMap(({ tokens }) => listTokens(tokens))
    .filter(({ type }) => type === "link");
  return (links as Tokens.Link[]).flatMap(({ href, tokens }) => {
    const { file, anchor } = resolveLink(index.file, href);
    const page = file === undefined || anchor !== undefined ? undefined : pages.get(file);
    return page ? [{ label: textOf(tokens), page }] : [];
  });
}

/** The part whose index lists a page, if there is one. */
export function partOf(page: Page, navigation: ReadonlyMap<Part, Section[]>): Part | undefined {
  return PARTS.find(
    (part) =>
      page.file === indexOf(part) ||
      navigation.get(part)?.some(({ entries }) => entries.some((entry) => entry.page === page)),
  );
}
