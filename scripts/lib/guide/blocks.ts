import type { Token, Tokens } from "marked";
import { listTokens, type Page } from "./pages.ts";

/** A fenced block of a page. */
export interface Block {
  /** The first word behind the fence, such as `sh`. */
  language: string;
  /** Why the commands are not run, if the fence has `not-run="…"`. */
  notRun: string | undefined;
  /** Where the text is saved before the commands behind it run, if the fence has `file="…"`. */
  file: string | undefined;
  /** Whether there is nothing between the block before and this one. */
  isDirectlyBehind: boolean;
  text: string;
}

/** The fenced blocks of a page, those in lists included. */
export function listBlocks({ tokens }: Pick<Page, "tokens">): Block[] {
  const listed = listTokens(tokens).filter(({ type }) => type !== "space");
  return listed.flatMap((token, index) => {
    if (!isFenced(token)) return [];
    const { lang = "", text } = token;
    const before = listed[index - 1];
    return {
      language: /^\S*/.exec(lang)?.[0] ?? "",
      notRun: attributeOf(lang, "not-run"),
      file: attributeOf(lang, "file"),
      isDirectlyBehind: before !== undefined && isFenced(before),
      text,
    };
  });
}

function isFenced(token: Token): token is Tokens.Code {
  return token.type === "code" && !("codeBlockStyle" in token);
}

function attributeOf(info: string, name: string): string | undefined {
  return new RegExp(` ${name}="([^"]*)"`).exec(info)?.[1];
}

/** Commands that reach Cloudflare, end for nobody, or write files of the repository. A test cannot run them. */
const UNSAFE =
  /--remote|wrangler (login|deploy|rollback|secret|tail|r2)|npm run (deploy|dev|db:generate|docs:|pictures)|npm (ci|install)|git (push|tag|commit)|https:\/\/<|sudo /;

/** What a test must not run in a block of commands, if there is something, such as `--remote`. */
export function findUnsafe({ language, notRun, text }: Block): string | undefined {
  return language === "sh" && notRun === undefined ? UNSAFE.exec(text)?.[0] : undefined;
}
