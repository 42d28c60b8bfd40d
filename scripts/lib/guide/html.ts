import type { AssetFiles } from "../asset-files.ts";
import { GUIDE } from "./pages.ts";

/** What is wrong with the links of the HTML of the guide: pages, files and ids that do not exist. */
export function checkHtml(files: AssetFiles): string[] {
  const documents = new Map<string, string>();
  for (const [name, bytes] of files) {
    if (name.endsWith(".html")) documents.set(toPath(name), Buffer.from(bytes).toString());
  }
  return [...documents].flatMap(([path, html]) =>
    [...html.matchAll(/ (?:href|src)="([^"]*)"/g)].flatMap(([, link = ""]) => {
      const fault = findFault(path, link);
      return fault ? [`${path}: ${link} ${fault}`] : [];
    }),
  );

  function findFault(from: string, link: string): string | undefined {
    const [target = "", anchor] = link.split("#");
    const path = target || from;
    // Other paths of the worker, and other hosts.
    if (!path.startsWith(GUIDE))
      return /^(https?:|\/docs$|\/docs\/errors$)/.test(path) ? undefined : "leads nowhere";
    const document = documents.get(path);
    if (document === undefined) {
      return files.has(path.slice(GUIDE.length + 1)) ? undefined : "leads nowhere";
    }
    const isFound = anchor === undefined || document.includes(` id="${anchor}"`);
    return isFound ? undefined : "leads to no id";
  }
}

function toPath(name: string): string {
  return name === "index.html" ? GUIDE : `${GUIDE}/${name.replace(/^pages\/|\.html$/g, "")}`;
}
