import type { Entry, Section } from "./navigation.ts";
import { GUIDE, PARTS, type Page, type Part } from "./pages.ts";
import { escapeHtml } from "./render.ts";

export interface LayoutParts {
  page: Page;
  content: string;
  part: Part | undefined;
  /** The pages of the part. */
  sections: readonly Section[];
  /** The paths of the stylesheet and the icon at the worker. */
  style: string;
  icon: string;
}

const LABELS = { use: "Use", run: "Run", build: "Build" };

/** The HTML document of a page. */
export function renderDocument({
  page,
  content,
  part,
  sections,
  style,
  icon,
}: LayoutParts): string {
  const title = page.path === GUIDE ? "Roster guide" : `${page.title} – Roster guide`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${style}">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header>
<a class="home" href="${GUIDE}">Roster guide</a>
<nav aria-label="Guide">
${PARTS.map((name) => linkPart(name, part)).join("\n")}
<a href="/docs">API</a>
</nav>
</header>
<div class="columns">
<main id="content" tabindex="-1">
${content}${renderNeighbours(page, sections)}</main>
${part && sections.length > 0 ? renderNavigation(page, LABELS[part], sections) : ""}</div>
</body>
</html>
`;
}

function linkPart(name: Part, part: Part | undefined): string {
  const current = name === part ? "true" : undefined;
  return link({ href: `${GUIDE}/${name}`, label: LABELS[name], current });
}

interface LinkParts {
  href: string;
  label: string;
  /** `page` for the page itself, `true` for the part that it belongs to. */
  current: "page" | "true" | undefined;
}

function link({ href, label, current }: LinkParts): string {
  const attribute = current ? ` aria-current="${current}"` : "";
  return `<a href="${href}"${attribute}>${escapeHtml(label)}</a>`;
}

function renderNavigation(page: Page, label: string, sections: readonly Section[]): string {
  const lists = sections.map(({ title, entries }) => {
    const items = entries.map((entry) => {
      const current = entry.page === page ? "page" : undefined;
      return `<li>${link({ href: entry.page.path, label: entry.label, current })}</li>`;
    });
    return `<p>${escapeHtml(title)}</p>\n<ul>\n${items.join("\n")}\n</ul>\n`;
  });
  return `<nav class="pages" aria-label="Pages: ${label}">\n${lists.join("")}</nav>\n`;
}

function renderNeighbours(page: Page, sections: readonly Section[]): string {
  const entries = sections.flatMap((section) => section.entries);
  const at = entries.findIndex((entry) => entry.page === page);
  if (at < 0) return "";
  const neighbour = (entry: Entry | undefined, direction: string) =>
    entry ? `<a href="${entry.page.path}">${direction}: ${escapeHtml(entry.label)}</a>\n` : "";
  const both = neighbour(entries[at - 1], "Previous") + neighbour(entries[at + 1], "Next");
  return both ? `<nav class="neighbours" aria-label="Neighbouring pages">\n${both}</nav>\n` : "";
}
