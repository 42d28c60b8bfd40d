import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { type AssetFiles, addHashed, writeFiles } from "./asset-files.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SOURCE = join(ROOT, "pages");
const TARGET = join(ROOT, "dist/assets/pages");

/** The applications, each with the title that its page has until it runs. */
const APPLICATIONS = { console: "Console", account: "Account" };

/** The built files by their path, and what each consists of. */
interface BuiltPages {
  files: ReadonlyMap<string, Uint8Array>;
  metafile: Metafile;
}

/** Builds the browser pages into the directory of the worker's static assets. */
export async function writePages(): Promise<void> {
  const { files } = await buildPages();
  writeFiles(TARGET, files);
}

/** Builds the browser pages in memory: a page per application, and scripts and styles whose names contain a hash of their content. */
async function buildPages(): Promise<BuiltPages> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.keys(APPLICATIONS).map((name) => `pages/${name}/main.tsx`),
    outbase: "pages",
    outdir: TARGET,
    entryNames: "assets/[dir]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    tsconfig: join(SOURCE, "tsconfig.json"),
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2024",
    minify: true,
    metafile: true,
    write: false,
    logLevel: "silent",
    legalComments: "none",
  });
  const files: AssetFiles = new Map();
  for (const { path, contents } of result.outputFiles) {
    files.set(path.slice(TARGET.length + 1), contents);
  }
  const style = addHashed(files, "style.css", await buildStyle("style.css"));
  const icon = addHashed(files, "icon.svg", readFileSync(join(SOURCE, "icon.svg")));
  for (const [name, title] of Object.entries(APPLICATIONS)) {
    const script = findEntry(result.metafile, name);
    files.set(`${name}.html`, Buffer.from(renderPage({ title, script, style, icon })));
  }
  return { files, metafile: result.metafile };
}

/** A stylesheet of `pages`, bundled and minified. */
export async function buildStyle(name: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, name)],
    bundle: true,
    minify: true,
    write: false,
    logLevel: "silent",
  });
  const [style] = outputFiles;
  if (!style) throw new Error(`no style ${name}`);
  return style.contents;
}

function findEntry({ outputs }: Metafile, application: string): string {
  const entry = `pages/${application}/main.tsx`;
  const found = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === entry);
  if (!found) throw new Error(`no script for ${application}`);
  return found[0].slice(found[0].indexOf("assets/pages/") + "assets/pages/".length);
}

interface PageParts {
  title: string;
  script: string;
  style: string;
  icon: string;
}

// The worker replaces the empty settings with those of the service.
function renderPage({ title, script, style, icon }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/pages/${icon}">
<link rel="stylesheet" href="/pages/${style}">
<script type="application/json" id="settings">{}</script>
<script type="module" src="/pages/${script}"></script>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript.</noscript>
</body>
</html>
`;
}
