import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type AssetFiles, addHashed, writeFiles } from "../asset-files.ts";
import { buildStyle } from "../pages.ts";
import { renderDocument } from "./layout.ts";
import { partOf, readNavigation, type Section } from "./navigation.ts";
import { GUIDE, PARTS, type Page, type Part, ROOT, readPages } from "./pages.ts";
import { isGuideFile, renderPage } from "./render.ts";

const TARGET = join(ROOT, "dist/assets/guide");

/** Converts `docs` to HTML in the directory of the worker's static assets. */
export async function writeGuide(): Promise<void> {
  writeFiles(TARGET, await buildGuide(readPages()));
}

/** The files of the guide: `index.html`, the other pages in `pages`, and in `assets` files whose names contain a hash of their content. */
export async function buildGuide(pages: ReadonlyMap<string, Page>): Promise<AssetFiles> {
  const files: AssetFiles = new Map();
  const add = (name: string, bytes: Uint8Array) => `${GUIDE}/${addHashed(files, name, bytes)}`;
  const addFile = (file: string) =>
    isGuideFile(file) ? add(basename(file), readFileSync(join(ROOT, file))) : undefined;
  const style = add("guide.css", await buildStyle("guide.css"));
  const icon = add("icon.svg", readFileSync(join(ROOT, "pages/icon.svg")));
  const navigation = new Map<Part, Section[]>(
    PARTS.map((part) => [part, readNavigation(part, pages)]),
  );
  for (const page of pages.values()) {
    const part = partOf(page, navigation);
    const sections = (part && navigation.get(part)) ?? [];
    const content = renderPage(page, { pages, addFile });
    const html = renderDocument({ page, content, part, sections, style, icon });
    files.set(toFile(page), Buffer.from(html));
  }
  return files;
}

function toFile({ path }: Page): string {
  return path === GUIDE ? "index.html" : `pages${path.slice(GUIDE.length)}.html`;
}
