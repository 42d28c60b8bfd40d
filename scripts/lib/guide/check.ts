import { parse as parseToml } from "smol-toml";
import { parse as parseYaml } from "yaml";
import { type Block, findUnsafe, listBlocks } from "./blocks.ts";
import { checkLinks } from "./links.ts";
import { indexOf, partOf, readNavigation } from "./navigation.ts";
import { GUIDE, PARTS, type Page } from "./pages.ts";

const LANGUAGES = [
  "sh",
  "console",
  "http",
  "json",
  "toml",
  "yaml",
  "js",
  "ts",
  "md",
  "sql",
  "text",
  "mermaid",
];

/** What is wrong with the pages, one line each. `others` are Markdown files elsewhere in the repository. */
export function checkPages(pages: ReadonlyMap<string, Page>, others: readonly Page[]): string[] {
  const all = new Map([...pages, ...others.map((page) => [page.file, page] as const)]);
  return [
    ...[...all.values()].flatMap((page) => checkLinks(page, all)),
    ...[...pages.values(), ...others.filter(isOfReaders)].flatMap((page) => checkBlocks(page)),
    ...checkIndexes(pages),
  ];
}

/** Of the other files, those whose commands are those of the guide. The clients have tests of their own. */
const isOfReaders = ({ file }: Page) => ["README.md", "CONTRIBUTING.md"].includes(file);

function checkBlocks(page: Page): string[] {
  return listBlocks(page).flatMap((block) => {
    const at = `${page.file}, block "${block.text.split("\n", 1)[0]}"`;
    if (!LANGUAGES.includes(block.language)) {
      return [`${at}: name its language behind the fence: ${LANGUAGES.join(", ")}`];
    }
    const unsafe = findUnsafe(block);
    if (unsafe) return [`${at}: a test cannot run "${unsafe}"; say why with \`\`\`sh not-run="…"`];
    const fault = findSyntaxError(block);
    return fault ? [`${at}: ${fault}`] : [];
  });
}

function findSyntaxError({ language, text }: Block): string | undefined {
  try {
    if (language === "json") JSON.parse(fillEllipses(text));
    if (language === "toml") parseToml(text);
    if (language === "yaml") parseYaml(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
  }
}

/** An example of JSON without the ellipses that stand for what is left out. A member alone is one of an object. */
function fillEllipses(text: string): string {
  const filled = text
    .replaceAll(/,?\s*…(?=\s*[}\]])/g, "")
    .replaceAll(/…,\s*/g, "")
    .trim();
  return filled.startsWith('"') ? `{${filled}}` : filled;
}

/** Results of measurements are linked where they are explained. */
const isResult = ({ file }: Page) => file.startsWith("docs/results/");

function checkIndexes(pages: ReadonlyMap<string, Page>): string[] {
  const navigation = new Map(PARTS.map((part) => [part, readNavigation(part, pages)]));
  return [...pages.values()]
    .filter((page) => page.path !== GUIDE && !isResult(page) && !partOf(page, navigation))
    .map(
      ({ file }) => `${file} is in no index: add it to a list of ${PARTS.map(indexOf).join(", ")}`,
    );
}
