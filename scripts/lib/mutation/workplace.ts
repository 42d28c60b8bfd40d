import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import {
  cp,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the tests need, besides the packages. */
const COPIED = [
  "src",
  "test",
  "migrations",
  "scripts",
  "bench",
  "docs",
  "dist",
  "pages",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
  "wrangler.toml",
  "README.md",
  ".dev.vars.example",
];

/** A run that takes longer does not end by itself. */
const TIMEOUT_MS = 1_800_000;

/** What a run of tests came to. */
export interface Verdict {
  /** `none`: no test ran, because the worker does not start. */
  outcome: "passed" | "failed" | "timeout" | "none";
  /** The first test that failed, or the file if no single test did. */
  failure?: string;
  /** Whether it ran out of time, which may be the machine's fault. */
  isLate?: boolean;
}

/** A copy of the project in which a source can be replaced and tests run. */
export interface Workplace {
  write(file: string, source: string): Promise<void>;
  restore(file: string): Promise<void>;
  /** The test files whose path contains one of the filters. */
  listTests(filters: readonly string[]): string[];
  /** Runs the tests whose path contains one of the filters, until the first failure. */
  test(filters: readonly string[]): Promise<Verdict>;
  remove(): Promise<void>;
}

/** Makes a copy of the project at `root`. Packages are linked, so that it takes little time and space. */
export async function createWorkplace(root: string): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), "roster-mutation-"));
  for (const name of COPIED) await cp(join(root, name), join(folder, name), { recursive: true });
  // A copy of its own, because Vite stores what it has bundled among the packages.
  await linkTree(join(root, "node_modules"), join(folder, "node_modules"));
  return {
    write: (file, source) => writeFile(join(folder, file), source),
    restore: (file) => cp(join(root, file), join(folder, file)),
    listTests: (filters) =>
      globSync("test/**/*.test.ts", { cwd: folder }).filter((file) =>
        filters.some((filter) => file.includes(filter)),
      ),
    test: (filters) => runTests(folder, filters),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name === ".vite" || entry.name === ".cache") continue;
    if (entry.isDirectory()) await linkTree(source, copy);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), copy);
    else await link(source, copy).catch(() => cp(source, copy));
  }
}

async function runTests(folder: string, filters: readonly string[]): Promise<Verdict> {
  const report = join(folder, "report.json");
  await rm(report, { force: true });
  const reporting = ["--reporter=json", `--outputFile=${report}`];
  const flags = ["run", "--bail=1", "--maxWorkers=1", ...reporting, ...filters];
  const hasEnded = await runVitest(folder, flags);
  if (!hasEnded) return { outcome: "timeout" };
  return readVerdict(JSON.parse(await readFile(report, "utf8").catch(() => "{}")), folder);
}

function runVitest(folder: string, flags: readonly string[]): Promise<boolean> {
  const vitest = join(folder, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, ...flags], {
    cwd: folder,
    stdio: "ignore",
    // A process group of its own, so that the runtime ends with it.
    detached: true,
  });
  const kill = () => {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  };
  process.on("exit", kill);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(false);
      kill();
    }, TIMEOUT_MS);
    child.on("close", () => {
      clearTimeout(timer);
      process.off("exit", kill);
      resolve(true);
    });
  });
}

interface Report {
  success?: boolean;
  testResults?: {
    name: string;
    status: string;
    assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
  }[];
}

function readVerdict({ success, testResults = [] }: Report, folder: string): Verdict {
  if (success) return { outcome: "passed" };
  const ran = testResults.flatMap(({ assertionResults }) => assertionResults);
  if (!ran.some(({ status }) => status === "passed" || status === "failed"))
    return { outcome: "none" };
  const failed = testResults.find(({ status }) => status === "failed");
  const test = failed?.assertionResults.find(({ status }) => status === "failed");
  const file = failed?.name.replace(`${folder}/`, "") ?? "?";
  const isLate =
    test?.failureMessages?.some((message) => message.includes("timed out in")) ?? false;
  return { outcome: "failed", failure: test ? `${file} > ${test.fullName}` : file, isLate };
}

/** The test files in the order in which their paths resemble that of a source. */
export function rankTests(source: string, tests: readonly string[]): string[] {
  const words = new Set(wordsOf(source));
  const score = (test: string) => wordsOf(test).filter((word) => words.has(word)).length;
  return tests.toSorted((a, b) => score(b) - score(a) || (a < b ? -1 : 1));
}

// Without endings, so that `passkeys` and `passkey` are the same.
function wordsOf(path: string): string[] {
  return path.split(/[^a-z]+/).map((word) => word.slice(0, 5));
}
