import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { marked } from "marked";
import { type Block, findUnsafe, listBlocks } from "../../scripts/lib/guide/blocks.ts";
import { type DevServer, ROOT } from "./server.ts";

const SHOWN_URL = "http://localhost:8787";
const SHOWN_MAILS = ".wrangler/tmp/email/*/email-text/*";
const MARK = "@@ end of step @@";

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

/** The part of the README that is the tour. */
export function readTour(): string {
  const [, tour = ""] = readFileSync(join(ROOT, "README.md"), "utf8").split(
    "\n## Five-minute tour\n",
  );
  return tour.split("\n## ")[0] ?? "";
}

interface Step {
  commands: string;
  /** The response that the page shows, if any. */
  answer: string | undefined;
}

/**
 * Runs the commands of a documentation page against a worker, and fails if a response differs from the one shown, or if a command
 * fails. Returns the number of steps, which is 0 for a page without commands.
 */
export async function checkSteps(page: string, server: DevServer): Promise<number> {
  const blocks = listBlocks({ tokens: marked.lexer(page) });
  const steps = readSteps(blocks, (text) => adapt(text, server));
  if (steps.length === 0) return 0;
  await saveFiles(blocks);
  const outputs = await runSteps(steps);
  for (const [index, { commands, answer }] of steps.entries()) {
    const [output = "", status] = outputs[index] ?? [];
    assert.equal(status, "0", `\n$ ${commands}\n${output}\nfails with status ${status}`);
    if (answer) check(answer, output, `\n$ ${commands}\n${output}\ndoes not match\n${answer}`);
  }
  return steps.length;
}

function readSteps(blocks: readonly Block[], adapt: (text: string) => string): Step[] {
  return blocks.flatMap((block, index) => {
    if (block.language !== "sh" || block.notRun !== undefined) return [];
    const unsafe = findUnsafe(block);
    assert.equal(unsafe, undefined, `a test cannot run "${unsafe}"`);
    const next = blocks[index + 1];
    const hasAnswer = next?.isDirectlyBehind && ["http", "json"].includes(next.language);
    return { commands: adapt(block.text), answer: hasAnswer ? adapt(next.text) : undefined };
  });
}

/** Commands and responses with the address, the database and the mails of the worker instead of those that a reader has. */
function adapt(text: string, { url, database, mails }: DevServer): string {
  const flags = database.join(" ");
  return text
    .replaceAll(SHOWN_URL, url)
    .replaceAll(SHOWN_MAILS, mails)
    .replaceAll("WHERE=--local", `WHERE="${flags}"`)
    .replaceAll(/^(npm run (?:-s )?(?:admin|audit) -- [^|&;#\n]*)/gm, `$1 ${flags}`);
}

async function saveFiles(blocks: readonly Block[]): Promise<void> {
  for (const { file, text } of blocks) {
    if (file === undefined) continue;
    const path = join(ROOT, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${text}\n`);
  }
}

/** The output and the exit status of each step. All steps run in one shell, so that they share variables. */
async function runSteps(steps: Step[]): Promise<string[][]> {
  const script = steps.map(({ commands }) => `${commands}\nprintf '\\n${MARK}%s\\n' $?`).join("\n");
  const { stdout } = await promisify(execFile)("bash", ["-c", script], { cwd: ROOT });
  const parts = stdout.replaceAll("\r", "").split(new RegExp(`\n${MARK}(\\d+)\n`));
  return steps.map((_, index) => parts.slice(2 * index, 2 * index + 2));
}

/**
 * The lines before the first brace must be among the lines of the output, and the JSON after it must be contained in the
 * output's JSON.
 */
function check(answer: string, output: string, message: string): void {
  const [shownLines, shownJson] = splitAnswer(answer);
  const [lines, json] = splitAnswer(output);
  for (const shown of shownLines) {
    const pattern = toPattern(shown);
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `no line matches “${shown}”:${message}`,
    );
  }
  if (!shownJson) return;
  // An ellipsis at the end of an object or array stands for omitted entries.
  const shown: unknown = JSON.parse(shownJson.replaceAll(/,?\s*…(?=\s*[}\]])/g, ""));
  checkValue(shown, JSON.parse(json), "answer", message);
}

function splitAnswer(text: string): [string[], string] {
  const at = text.search(/^\{/m);
  const head = at < 0 ? text : text.slice(0, at);
  return [head.split("\n").filter((line) => line.trim()), at < 0 ? "" : text.slice(at)];
}

function checkValue(shown: unknown, actual: unknown, path: string, message: string): void {
  if (typeof shown === "string") {
    assert.match(String(actual), toPattern(shown), `${path}:${message}`);
    return;
  }
  if (typeof shown !== "object" || shown === null) {
    assert.equal(actual, shown, `${path}:${message}`);
    return;
  }
  for (const [key, value] of Object.entries(shown)) {
    const found = typeof actual === "object" && actual !== null ? Reflect.get(actual, key) : null;
    checkValue(value, found, `${path}.${key}`, message);
  }
}

/** A pattern for the text shown: an ellipsis matches any text, an id any id, a timestamp any timestamp. */
function toPattern(shown: string): RegExp {
  const escaped = shown.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const loose = escaped
    .replaceAll(new RegExp(UUID, "g"), UUID)
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\\\.\d{3}Z/g, TIME)
    .replaceAll("…", ".*");
  return new RegExp(`^${loose}$`);
}
