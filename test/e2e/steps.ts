import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const SHOWN_URL = "http://localhost:8787";
const STEP = /```sh\n(?<commands>[\s\S]*?)```(?:\n+```(?:json|http)\n(?<answer>[\s\S]*?)```)?/g;
const MARK = "@@ end of step @@";

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

const README = new URL("../../README.md", import.meta.url);

/** The part of the README that is the tour. */
export function readTour(): string {
  const [, tour = ""] = readFileSync(README, "utf8").split("\n## Five-minute tour\n");
  return tour.split("\n## ")[0] ?? "";
}

interface Step {
  commands: string;
  /** The response that the page shows, if any. */
  answer: string | undefined;
}

/**
 * Runs the commands of a documentation page against the worker at `url`, and fails if a response differs from the one shown.
 * Returns the number of steps.
 */
export async function checkSteps(page: string, url: string): Promise<number> {
  const steps = readSteps(page, url);
  assert.ok(
    steps.some(({ answer }) => answer),
    "the page shows no response",
  );
  const outputs = await runSteps(steps);
  for (const [index, { commands, answer }] of steps.entries()) {
    const output = outputs[index] ?? "";
    if (answer) check(answer, output, `\n$ ${commands}\n${output}\ndoes not match\n${answer}`);
  }
  return steps.length;
}

function readSteps(page: string, url: string): Step[] {
  return [...page.replaceAll(SHOWN_URL, url).matchAll(STEP)].map(({ groups }) => ({
    commands: groups?.commands?.trim() ?? "",
    answer: groups?.answer?.trim(),
  }));
}

/** The output of each step. All steps run in one shell, so that they share variables. */
async function runSteps(steps: Step[]): Promise<string[]> {
  const script = steps.map(({ commands }) => `${commands}\nprintf '\\n${MARK}\\n'`).join("\n");
  const cwd = new URL("../../", import.meta.url);
  const { stdout } = await promisify(execFile)("bash", ["-c", script], { cwd });
  return stdout.replaceAll("\r", "").split(`\n${MARK}\n`);
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
