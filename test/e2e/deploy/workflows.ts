import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "../server.ts";

const FOLDER = join(ROOT, ".github/workflows");
/** What workflows may use, by major version. Anything else is a decision. */
const ACTIONS = ["actions/checkout@v4", "actions/setup-node@v4", "./.github/workflows/ci.yml"];
const SCRIPTS = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).scripts;

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}

interface Job {
  uses?: string;
  if?: string;
  needs?: string;
  environment?: string;
  "timeout-minutes"?: number;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  permissions?: unknown;
  steps?: Step[];
}

interface Workflow {
  on: Record<string, { branches?: string[]; tags?: string[] } | null>;
  permissions: Record<string, string>;
  concurrency?: unknown;
  jobs: Record<string, Job>;
}

/** Checks the workflows of GitHub Actions: what starts them, what they may do, and what they run. */
export function checkWorkflows(): void {
  const names = readdirSync(FOLDER);
  assert.deepEqual(names.sort(), ["ci.yml", "deploy.yml"]);
  for (const name of names) checkRules(readWorkflow(name));
  checkCi(readWorkflow("ci.yml"));
  checkDeploy(readWorkflow("deploy.yml"));
  console.log(
    "ok  workflows → least permissions, known actions, secrets only in environments, scripts that exist",
  );
}

function readWorkflow(name: string): Workflow {
  return parse(readFileSync(join(FOLDER, name), "utf8"));
}

function checkRules(workflow: Workflow): void {
  assert.deepEqual(workflow.permissions, { contents: "read" });
  assert.ok(!("pull_request_target" in workflow.on), "code of strangers with secrets");
  for (const [name, job] of Object.entries(workflow.jobs)) {
    assert.equal(job.permissions, undefined, `${name} has the permissions of the workflow`);
    if (!job.uses) assert.ok((job["timeout-minutes"] ?? 0) > 0, `${name} ends some day`);
    if (!job.environment)
      assert.doesNotMatch(JSON.stringify(job), /secrets[.[]/, `${name} has secrets`);
    for (const step of [{ uses: job.uses }, ...(job.steps ?? [])] as Step[]) checkStep(name, step);
  }
}

function checkStep(job: string, { uses, run = "", with: settings }: Step): void {
  if (uses) assert.ok(ACTIONS.includes(uses), `${job} uses ${uses}`);
  if (uses?.startsWith("actions/checkout")) {
    assert.equal(settings?.["persist-credentials"], false, `${job} keeps the token`);
  }
  // Whoever names a branch would otherwise write a part of the script.
  assert.ok(!/\$\{\{/.test(run), `${job} has an expression in a script: pass it as a variable`);
  for (const [, script = ""] of run.matchAll(/npm run ([\w:-]+)/g)) {
    assert.ok(script in SCRIPTS, `${job} runs ${script}, which does not exist`);
  }
}

function commandsOf(job: Job | undefined): string[] {
  return (job?.steps ?? []).flatMap(({ run }) => run ?? []);
}

function checkCi({ on, jobs }: Workflow): void {
  assert.deepEqual(Object.keys(on).sort(), ["pull_request", "workflow_call"]);
  const commands = Object.values(jobs).flatMap(commandsOf);
  for (const expected of [
    "npm run check",
    "npm run check:openapi",
    'npm run check:breaking -- "$BASE"',
    "npm run deploy -- --dry-run",
    ".ci/run",
  ]) {
    assert.ok(commands.includes(expected), expected);
  }
  for (const { steps = [] } of Object.values(jobs)) {
    assert.equal(steps[0]?.with?.["fetch-depth"], 0, "past releases are built from the history");
  }
}

function checkDeploy({ on, jobs }: Workflow): void {
  assert.deepEqual(on, { push: { branches: ["main"], tags: ["v*"] } });
  const places = { staging: "refs/heads/main", production: "refs/tags/v" };
  for (const [name, ref] of Object.entries(places)) {
    const job = jobs[name];
    assert.deepEqual([job?.needs, job?.environment], ["ci", name]);
    assert.ok(job?.if?.includes(ref), `${name} is deployed from ${ref}`);
    assert.deepEqual(job?.concurrency, { group: `deploy-${name}`, "cancel-in-progress": false });
    assert.equal(commandsOf(job).at(-1), `npm run deploy -- --env ${name} --skip-checks`);
    const [last] = (job?.steps ?? []).slice(-1);
    assert.deepEqual(Object.keys(last?.env ?? {}), [
      "CLOUDFLARE_API_TOKEN",
      "CLOUDFLARE_ACCOUNT_ID",
    ]);
  }
}
