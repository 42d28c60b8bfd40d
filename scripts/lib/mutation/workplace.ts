import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import {
  cp,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task, Verdict } from "./tests.ts";

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

const TESTS = fileURLToPath(new URL("tests.ts", import.meta.url));

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
  // Stack frames in log lines have its name, and tests that look for private values must not find one there.
  const folder = await mkdtemp(join(tmpdir(), "m-"));
  for (const name of COPIED) await cp(join(root, name), join(folder, name), { recursive: true });
  // A copy of its own, because Vite stores what it has bundled among the packages.
  await linkTree(join(root, "node_modules"), join(folder, "node_modules"));
  const tests = startTests(folder);
  const changed = new Set<string>();
  return {
    async write(file, source) {
      await writeFile(join(folder, file), source);
      changed.add(file);
    },
    async restore(file) {
      await cp(join(root, file), join(folder, file));
      changed.add(file);
    },
    listTests: (filters) =>
      globSync("test/**/*.test.ts", { cwd: folder }).filter((file) =>
        filters.some((filter) => file.includes(filter)),
      ),
    test(files) {
      const task = { changed: [...changed], files };
      changed.clear();
      return tests.run(task);
    },
    async remove() {
      tests.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
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

/** Starts what runs the tests in a folder. */
function startTests(folder: string) {
  let child: ChildProcess | undefined;
  const start = async (): Promise<ChildProcess> => {
    // What tests print is not of interest.
    const started = fork(TESTS, { cwd: folder, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    await once(started, "message");
    return started;
  };
  return {
    async run(task: Task): Promise<Verdict> {
      child ??= await start();
      const settled = new AbortController();
      const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), settled.signal]);
      child.send(task);
      try {
        const [verdict] = await Promise.race([
          once(child, "message", { signal }),
          once(child, "exit", { signal }).then((): [Verdict] => [{ outcome: "timeout" }]),
        ]);
        return verdict as Verdict;
      } catch {
        child.kill("SIGKILL");
        child = undefined;
        return { outcome: "timeout" };
      } finally {
        // Stops listening for what did not happen.
        settled.abort();
      }
    },
    stop: () => child?.disconnect(),
  };
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
