import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import GithubSlugger from "github-slugger";
import { marked, type Token, type Tokens } from "marked";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Where the worker serves the guide. */
export const GUIDE = "/docs/guide";

/** The readers whom the guide is for, each with a folder of docs whose README.md lists the pages for them. */
export const PARTS = ["use", "run", "build"] as const;
export type Part = (typeof PARTS)[number];

interface Heading {
  depth: number;
  text: string;
  /** The id in the page, as GitHub forms it. */
  anchor: string;
}

/** A Markdown file under `docs`. */
export interface Page {
  /** Its path in the repository, such as `docs/use/lists.md`. */
  file: string;
  /** Its path at the worker, such as `/docs/guide/use/lists`. */
  path: string;
  title: string;
  text: string;
  tokens: Token[];
  headings: Heading[];
}

/** Every page under `docs`, by its file, in the order of their names. */
export function readPages(): Map<string, Page> {
  const files = readdirSync(`${ROOT}docs`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  return new Map(files.sort().map((file) => [file, readPage(file)]));
}

/** A Markdown file of the repository. */
export function readPage(file: string): Page {
  const text = readFileSync(`${ROOT}${file}`, "utf8");
  const tokens: Token[] = marked.lexer(text);
  const headings = listHeadings(tokens);
  return { file, path: toPath(file), title: headings[0]?.text ?? file, text, tokens, headings };
}

function toPath(file: string): string {
  const name = file.replace(/^docs\//, "").replace(/(^|\/)README\.md$|\.md$/, "");
  return name ? `${GUIDE}/${name}` : GUIDE;
}

function listHeadings(tokens: readonly Token[]): Heading[] {
  const slugger = new GithubSlugger();
  return tokens.filter(isHeading).map(({ depth, tokens: inline }) => {
    const text = textOf(inline);
    return { depth, text, anchor: slugger.slug(text) };
  });
}

export function isHeading(token: Token): token is Tokens.Heading {
  return token.type === "heading";
}

/** The text of inline Markdown, without its markup. */
export function textOf(tokens: readonly Tokens.Generic[]): string {
  return tokens.map((token) => (token.tokens ? textOf(token.tokens) : token.text)).join("");
}

/** Every token of a text with those inside of them, in the order of the text. */
export function listTokens(tokens: readonly Token[]): Token[] {
  const found: Token[] = [];
  void marked.walkTokens([...tokens], (token) => {
    found.push(token);
  });
  return found;
}
