import type { Line, Section } from "../../test/guarantees/line.ts";
import { listTestNames } from "./test-names.ts";

/** The sources of the tests, by path relative to test/, without extension. */
export type TestSources = Readonly<Record<string, string>>;

interface Reference {
  file: string;
  /** The whole name, or its last part. */
  name: string;
  /** A case of a repeated test. */
  example: string | undefined;
}

const SCRIPTS = "e2e/";

/** What is wrong with a line: a test that does not exist, or whose name does not have the line's words. */
export function findLineFaults([id, , words, ...tests]: Line, sources: TestSources): string[] {
  const found = tests.map((test) => findTest(toReference(test), sources));
  const faults = found.flatMap((names, i) => (names ? [] : [`${id}: no such test: ${tests[i]}`]));
  const wanted = words.split(", ").map((word) => word.toLowerCase());
  const isNamed = found.some((name) => wanted.every((word) => name?.toLowerCase().includes(word)));
  if (tests.length > 0 && !isNamed) faults.push(`${id}: no test is named after "${words}"`);
  return faults;
}

function toReference(test: string): Reference {
  const [, file = "", name = "", example] = /^(\S+): (.*?)(?: «(.*)»)?$/.exec(test) ?? [];
  return { file, name, example };
}

// The full name with its case, if there is exactly one such test.
function findTest({ file, name, example }: Reference, sources: TestSources): string | undefined {
  const source = sources[file] ?? "";
  if (!name || (example !== undefined && !source.includes(example))) return undefined;
  if (file.startsWith(SCRIPTS)) return source.includes(name) ? name : undefined;
  const all = listTestNames(source);
  const known = new Set(all.filter((full) => full === name || full.endsWith(` > ${name}`)));
  const [full] = known;
  return known.size === 1 ? `${full} ${example ?? ""}` : undefined;
}

/** The table of all lines with their tests, as Markdown. */
export function renderGuarantees(sections: readonly Section[]): string {
  const lines = sections.flatMap((section) => section.lines);
  const proven = lines.filter(([, , , ...tests]) => tests.length > 0);
  const intro = [
    "# Guarantees and their tests",
    "Generated from `test/guarantees` by `npm run docs:guarantees`. `test/conformance/guarantees.test.ts` checks that each test exists under this name.",
    `${lines.length} lines, of which ${proven.length} have tests. The others are in [Security](../run/security.md#what-is-not-tested-and-why).`,
  ];
  return `${[...intro, ...sections.map(renderSection)].join("\n\n")}\n`;
}

function renderSection({ title, lines }: Section): string {
  const rows = lines.map(([id, promise, , ...tests]) => {
    const cells = tests.length > 0 ? tests.map(renderTest).join("<br>") : "not tested";
    return `| ${id} | ${escapeMarkdown(promise)} | ${cells} |`;
  });
  return [`## ${title}\n`, "| line | promise | tests |", "|---|---|---|", ...rows].join("\n");
}

function renderTest(test: string): string {
  const { file, name, example } = toReference(test);
  const kind = file.startsWith(SCRIPTS) ? ".ts" : ".test.ts";
  return `\`test/${file}${kind}\`: ${escapeMarkdown(example === undefined ? name : `${name} (${example})`)}`;
}

// An address would become a link.
function escapeMarkdown(text: string): string {
  const escaped = text.replaceAll(/[\\|<>*_`[\]]/g, (character) => `\\${character}`);
  return escaped.replaceAll("@", "&#64;");
}
