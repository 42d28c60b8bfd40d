import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Tokens } from "marked";
import { listTokens, type Page, ROOT } from "./pages.ts";

/** A link or an image of a page. */
export interface Reference {
  /** As the page has it. */
  href: string;
  /** The path of the file that it leads to in the repository, or undefined for other addresses. */
  file: string | undefined;
  /** The part behind the `#`, or undefined. */
  anchor: string | undefined;
}

/**
 * Where a link of a file leads. Addresses with a scheme, paths of the worker such as `/docs`, and paths above the repository, which are
 * pages of its host, lead to no file.
 */
export function resolveLink(from: string, href: string): Reference {
  if (/^[a-z][a-z+.-]*:|^\//i.test(href)) return { href, file: undefined, anchor: undefined };
  const [path = "", anchor] = href.split("#");
  const file = path ? join(dirname(from), path).replace(/\/$/, "") : from;
  return file.startsWith("..") ? { href, file: undefined, anchor } : { href, file, anchor };
}

/** The links and images of a page. */
function listLinks(page: Page): Reference[] {
  return listTokens(page.tokens)
    .filter((token): token is Tokens.Link | Tokens.Image => /^(link|image)$/.test(token.type))
    .map(({ href }) => resolveLink(page.file, href));
}

/** What is wrong with the links of a page: files that do not exist, and headings that a page does not have. */
export function checkLinks(page: Page, pages: ReadonlyMap<string, Page>): string[] {
  return listLinks(page).flatMap(({ href, file, anchor }) => {
    if (file === undefined) return [];
    if (!existsSync(join(ROOT, file))) return [`${page.file}: ${href} leads to no file`];
    if (file.startsWith("docs") && statSync(join(ROOT, file)).isDirectory()) {
      return [`${page.file}: ${href} leads to a folder; name its README.md`];
    }
    const anchors = pages.get(file)?.headings.map((heading) => heading.anchor);
    if (anchor === undefined || !anchors || anchors.includes(anchor)) return [];
    return [`${page.file}: ${href} leads to no heading`];
  });
}
