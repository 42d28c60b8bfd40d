import { extname } from "node:path";
import { Marked, type RendererObject, type Tokens } from "marked";
import { resolveLink } from "./links.ts";
import { isHeading, type Page } from "./pages.ts";
import { listSteps } from "./sequence.ts";

/** What the links of pages lead to at the worker. */
export interface Targets {
  pages: ReadonlyMap<string, Page>;
  /** Adds a file of the repository, such as an image, to the guide. Returns its path at the worker, or undefined if it is not for readers. */
  addFile(file: string): string | undefined;
}

/** A page as HTML. Markup in the Markdown is shown as text. */
export function renderPage(page: Page, targets: Targets): string {
  const markdown = new Marked({ renderer: { ...blocks(page), ...inline(page, targets) } });
  const [title, ...rest] = page.tokens;
  const head = title ? markdown.parser([title]) : "";
  return `${head}${renderContents(page)}${markdown.parser(rest)}`;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const CONTENTS_FROM = 3;

function renderContents({ headings }: Page): string {
  const sections = headings.filter(({ depth }) => depth === 2);
  if (sections.length < CONTENTS_FROM) return "";
  const items = sections.map(
    ({ anchor, text }) => `<li><a href="#${anchor}">${escapeHtml(text)}</a></li>`,
  );
  return `<details class="contents"><summary>On this page</summary><ul>${items.join("")}</ul></details>\n`;
}

function blocks(page: Page): RendererObject {
  const anchors = new Map(
    page.tokens.filter(isHeading).map((token, index) => [token, page.headings[index]?.anchor]),
  );
  return {
    heading(token) {
      const { depth, tokens } = token;
      const anchor = anchors.get(token);
      const content = this.parser.parseInline(tokens);
      if (depth === 1 || !anchor) return `<h${depth}>${content}</h${depth}>\n`;
      return `<h${depth} id="${anchor}"><a href="#${anchor}">${content}</a></h${depth}>\n`;
    },
    code({ text, lang }) {
      const [language = ""] = (lang ?? "").split(" ");
      if (language === "mermaid") return renderSteps(text);
      return `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`;
    },
    table({ header, rows }) {
      const cell = ({ tokens }: Tokens.TableCell, name: "th" | "td") =>
        `<${name}>${this.parser.parseInline(tokens)}</${name}>`;
      const head = header.map((of) => cell(of, of.text ? "th" : "td")).join("");
      const body = rows.map((row) => `<tr>${row.map((of) => cell(of, "td")).join("")}</tr>\n`);
      return `<div class="table" role="group" aria-label="Table" tabindex="0"><table>
<thead><tr>${head}</tr></thead>
<tbody>${body.join("")}</tbody>
</table></div>\n`;
    },
    html({ text }) {
      return escapeHtml(text);
    },
  };
}

function renderSteps(diagram: string): string {
  const items = listSteps(diagram).map((step) => `<li>${escapeHtml(step)}</li>`);
  return `<ol class="steps">${items.join("\n")}</ol>\n`;
}

function inline(page: Page, { pages, addFile }: Targets): RendererObject {
  return {
    link({ href, tokens }) {
      const content = this.parser.parseInline(tokens);
      const { file, anchor } = resolveLink(page.file, href);
      if (file === undefined) return `<a href="${escapeHtml(href)}">${content}</a>`;
      const target = pages.get(file)?.path ?? addFile(file);
      // What is not part of the guide is named, but cannot be opened there.
      if (target === undefined) return content;
      return `<a href="${target}${anchor === undefined ? "" : `#${anchor}`}">${content}</a>`;
    },
    image({ href, text }) {
      const { file } = resolveLink(page.file, href);
      const target = file === undefined ? undefined : addFile(file);
      if (target === undefined) throw new Error(`${page.file}: the guide cannot show ${href}`);
      return `<img src="${target}" alt="${escapeHtml(text)}" loading="lazy">`;
    },
  };
}

/** The kinds of files that readers of the guide can look at or download. */
const FILES = [".png", ".svg", ".json", ".yml"];

/** Whether a file of `docs` belongs to the guide besides its pages. */
export function isGuideFile(file: string): boolean {
  return file.startsWith("docs/") && FILES.includes(extname(file));
}
