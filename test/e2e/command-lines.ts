// npm run test:command-lines: every npm script that takes arguments answers `--help` with its usage, and an unknown option with what is
// wrong and its usage, never with a stack.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runScript } from "./run-script.ts";

/** What reads the arguments of a script. */
const READERS = /\b(readCommandLine|readNames|answerHelp)\(/;
/** What a script must leave to them. */
const OWN_READING = /\bparseArgs\(|\bprocess\.argv\b/;
/** The scripts that read their arguments themselves, with the reason. */
const PASSING_ON: ReadonlySet<string> = new Set([
  // Their other options are those of wrangler, which says itself what is wrong.
  "scripts/deploy.ts",
  "scripts/dev.ts",
]);

const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
  scripts: Record<string, string>;
};
const files = Object.entries(scripts).flatMap(([name, command]): [string, string][] => {
  const [, file] = /^node (\S+\.ts)$/.exec(command) ?? [];
  return file ? [[name, file]] : [];
});
let count = 0;
for (const [name, file] of files) {
  const source = readFileSync(file, "utf8");
  const isPassingOn = PASSING_ON.has(file);
  assert.ok(isPassingOn || !OWN_READING.test(source), `${file} reads its arguments itself`);
  if (!READERS.test(source)) continue;
  await checkHelp(name, file);
  if (!isPassingOn) await checkUnknown(file);
  count += 1;
}
assert.ok(count > PASSING_ON.size, "no script takes arguments");
console.log(`ok  ${count} scripts show their usage`);

async function checkHelp(name: string, file: string): Promise<void> {
  const { code, output } = await runScript(file, ["--help"]);
  assert.match(output, /^Usage:\n/, file);
  assert.ok(output.includes(`npm run ${name}`), `${file} does not name itself:\n${output}`);
  assert.equal(code, 0, file);
}

async function checkUnknown(file: string): Promise<void> {
  const { code, output } = await runScript(file, ["--no-such-option"]);
  assert.match(output, /^error: Unknown option '--no-such-option'[^\n]*\nUsage:\n/, file);
  assert.doesNotMatch(output, /^ +at /m, `${file} prints a stack`);
  assert.equal(code, 1, file);
}
