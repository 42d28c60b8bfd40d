// npm run check:docs: checks the documentation. Every link and anchor leads somewhere, in Markdown and in the HTML of the guide; every page
// is in an index; examples can be parsed; commands are run by a test or say why not. Lists the reasons.
import { globSync } from "node:fs";
import { main, UsageError } from "./lib/fail.ts";
import { listBlocks } from "./lib/guide/blocks.ts";
import { buildGuide } from "./lib/guide/build.ts";
import { checkPages } from "./lib/guide/check.ts";
import { checkHtml } from "./lib/guide/html.ts";
import { type Page, ROOT, readPage, readPages } from "./lib/guide/pages.ts";

await main(async () => {
  const pages = readPages();
  const others = listOtherFiles().map(readPage);
  const faults = checkPages(pages, others);
  if (faults.length === 0) faults.push(...checkHtml(await buildGuide(pages)));
  if (faults.length > 0)
    throw new UsageError(`the documentation has faults:\n${faults.join("\n")}`);
  report([...pages.values()]);
});

/** Markdown files of the repository that are not part of the guide: at the top, and those of the clients. */
function listOtherFiles(): string[] {
  const ofClients = globSync("clients/**/*.md", {
    cwd: ROOT,
    exclude: (name) => name.includes("node_modules"),
  });
  return [...globSync("*.md", { cwd: ROOT }), ...ofClients].sort();
}

function report(pages: readonly Page[]): void {
  const commands = pages.flatMap((page) =>
    listBlocks(page)
      .filter(({ language }) => language === "sh")
      .map((block) => ({ page, ...block })),
  );
  const skipped = commands.filter(({ notRun }) => notRun !== undefined);
  for (const { page, notRun } of skipped) console.log(`not run: ${page.file}: ${notRun}`);
  const run = commands.length - skipped.length;
  console.log(
    `${pages.length} pages. ${run} blocks of commands are run by a test, ${skipped.length} are not.`,
  );
}
