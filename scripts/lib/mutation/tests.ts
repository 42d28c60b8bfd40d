// Runs tests in the folder that it is started in, as its parent asks: one instance of Vitest for all runs, so that only what has changed
// is transformed again. Imports the Vitest of that folder, which is a copy of the project.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { TestCase, TestModule, Vitest } from "vitest/node";

/** What a run of tests came to. */
export interface Verdict {
  /** `none`: no test ran, because the worker does not start. */
  outcome: "passed" | "failed" | "timeout" | "none";
  /** The first test that failed, or the file and its error if no single test did. */
  failure?: string;
  /** Whether it ran out of time, or no single test failed, which may be the machine's fault. */
  isDoubtful?: boolean;
}

/** A request of the parent: files that have changed, and the test files to run until the first failure. */
export interface Task {
  changed: readonly string[];
  files: readonly string[];
}

const SHOWN = 200;

/** Longer than in other runs: whatever else the machine does must not look like a test that noticed something. */
const TIMEOUT_MS = 120_000;

const folder = process.cwd();
const VITEST = pathToFileURL(join(folder, "node_modules/vitest/dist/node.js")).href;

const { createVitest } = (await import(VITEST)) as typeof import("vitest/node");
const vitest: Vitest = await createVitest("test", {
  root: folder,
  watch: false,
  bail: 1,
  maxWorkers: 1,
  testTimeout: TIMEOUT_MS,
  hookTimeout: TIMEOUT_MS,
  reporters: [{}],
});
process.on("message", (task: Task) => {
  void run(task).then((verdict) => process.send?.(verdict));
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

async function run({ changed, files }: Task): Promise<Verdict> {
  for (const file of changed) vitest.invalidateFile(join(folder, file));
  // Results of earlier runs would count towards the limit of failures.
  vitest.state.filesMap.clear();
  vitest.state.idMap.clear();
  const specifications = await vitest.globTestSpecifications([...files]);
  const { testModules } = await vitest.runTestSpecifications(specifications, false);
  const chosen = new Set(specifications.map(({ moduleId }) => moduleId));
  return readVerdict(testModules.filter(({ moduleId }) => chosen.has(moduleId)));
}

function readVerdict(modules: readonly TestModule[]): Verdict {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  if (!tests.some((test) => /passed|failed/.test(test.result().state))) return { outcome: "none" };
  const failed = modules.find((module) => module.state() === "failed");
  if (!failed) return { outcome: "passed" };
  const [test] = failed.children.allTests("failed");
  const file = failed.moduleId.replace(`${folder}/`, "");
  if (test) {
    const failure = `${file} > ${test.fullName}`;
    return isLate(test)
      ? { outcome: "failed", failure: `${failure}: ran out of time`, isDoubtful: true }
      : { outcome: "failed", failure };
  }
  const [{ message } = { message: "failed" }] = failed.errors();
  return { outcome: "failed", failure: `${file}: ${message.slice(0, SHOWN)}`, isDoubtful: true };
}

function isLate(test: TestCase): boolean {
  const errors = test.result().errors ?? [];
  return errors.some(({ message }) => message.includes("timed out in"));
}
