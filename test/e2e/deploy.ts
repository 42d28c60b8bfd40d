// npm run test:deploy: reads wrangler.toml as wrangler does, and runs `npm run deploy` in a copy of the project whose wrangler records
// what it is asked to do. Prints one line per promise and stops at the first failure.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseEnv } from "node:util";
import { checkConfiguration } from "./deploy/configuration.ts";
import { assertNowhere, Project, summarize } from "./deploy/project.ts";
import { checkWorkflows } from "./deploy/workflows.ts";

const STAGING = ["--env", "staging", "--skip-checks"];
const ADMIN = ["--admin-email", "ada@acme.dev", "--admin-username", "ada"];
// Nothing listens there: the deploy must say so, and go on.
const APP_URL = "https://localhost:1";

checkConfiguration();
checkWorkflows();
const project = new Project();
try {
  await checkRefusals();
  setAddress(APP_URL);
  await checkFirst();
  await checkLater();
  await checkRelease();
  await checkFailures();
  await checkCi();
  await checkShared();
  await checkSmoke();
  await checkDryRun();
} finally {
  project.remove();
}

function setAddress(url: string): void {
  project.edit((text) =>
    text.replace(/APP_URL = "https:\/\/roster-staging\.invalid"/, `APP_URL = "${url}"`),
  );
}

async function checkRefusals(): Promise<void> {
  const bare = await project.deploy([]);
  assert.equal(bare.code, 1);
  assert.match(
    bare.output,
    /no environment was named[\s\S]*npm run deploy -- --env staging\n.*--env production/,
  );
  const unknown = await project.deploy(["--env", "prodction"]);
  assert.match(unknown.output, /has no environment prodction/);
  const placeholder = await project.deploy(["--env", "production"]);
  assert.match(
    placeholder.output,
    /APP_URL is still the placeholder\. Set APP_URL under \[env\.production\.vars\]/,
  );
  const plain = await project.deploy([...STAGING, "--var", "APP_URL:http://acme.dev"]);
  assert.match(plain.output, /Set APP_URL under \[env\.staging\.vars\].*https:\/\//);
  const half = await project.deploy([...STAGING, "--admin-email", "ada@acme.dev"]);
  assert.match(half.output, /--admin-email and --admin-username are needed together/);
  for (const { code, calls } of [bare, unknown, placeholder, plain, half]) {
    assert.deepEqual([code, calls], [1, []], "a refused deploy calls nothing");
  }
  report("refused before anything is called: no or an unknown environment, a placeholder, http://");
}

async function checkFirst(): Promise<void> {
  const run = await project.deploy([...STAGING, ...ADMIN]);
  assert.equal(run.code, 0, run.output);
  assert.deepEqual(summarize(run.calls), [
    "secret list",
    "deploy",
    "d1 migrations apply",
    ...Array<string>(4).fill("d1 execute DB"),
  ]);
  for (const args of run.calls) assert.equal(args[args.indexOf("--env") + 1], "staging");
  const [, deploy = []] = run.calls;
  assert.equal(deploy[deploy.indexOf("--secrets-file") + 1], ".prod.staging.vars");
  assert.match(deploy.join(" "), /--tag v\d+\.\d+\.\d+ --message \d+\.\d+\.\d+/);
  const keys = parseEnv(project.read(".prod.staging.vars"));
  const admin = parseEnv(project.read(".prod.staging.admin.vars"));
  assert.deepEqual(Object.keys(keys).sort(), ["DATA_KEYS", "MAC_KEYS", "SIGNING_KEYS"]);
  assert.deepEqual(Object.keys(admin).sort(), ["ADMIN_EMAIL", "ADMIN_PASSWORD", "ADMIN_USERNAME"]);
  assert.deepEqual(
    ["", ".admin"].map((part) => project.modeOf(`.prod.staging${part}.vars`)),
    ["600", "600"],
  );
  const parts = Object.values(keys).flatMap((text) => text?.match(/"[\w-]{40,}"/g) ?? []);
  assertNowhere(run, [
    ...parts.map((part) => part.slice(1, -1)),
    admin.ADMIN_PASSWORD ?? "",
    "pbkdf2",
  ]);
  assert.match(
    run.output,
    /administrator ada was created\. The password is in \.prod\.staging\.admin\.vars/,
  );
  assert.match(run.output, /cannot be reached from here.*npm run smoke -- https:\/\/localhost:1/);
  assert.match(run.output, /Email is not configured/);
  report(
    "first deploy → secrets, worker, migrations, administrator; secrets only in files of mode 0600",
  );
}

async function checkLater(): Promise<void> {
  const keys = project.read(".prod.staging.vars");
  const run = await project.deploy(["--env", "staging", "--var", "LOG_LEVEL:warn"]);
  assert.equal(run.code, 0, run.output);
  assert.deepEqual(summarize(run.calls), [
    "check",
    "secret list",
    "d1 time-travel info",
    "d1 migrations apply",
    "deploy",
    "d1 execute DB",
  ]);
  assert.equal(project.read(".prod.staging.vars"), keys, "keys are made once");
  assert.match(
    run.output,
    /restore --bookmark 0000-bookmark --since \S+ --save \S+ --remote --env staging\n/,
  );
  assert.ok(run.calls[4]?.join(" ").includes("--var LOG_LEVEL:warn"), "flags are passed on");
  assert.match(run.output, /warning: this is not a git checkout/);
  report("later deploy → checks, bookmark, migrations, worker; keys and administrator stay");
}

async function checkRelease(): Promise<void> {
  const stampOf = ({ calls }: Awaited<ReturnType<Project["deploy"]>>) =>
    calls.find(([command]) => command === "deploy")?.join(" ") ?? "";
  project.commitAll();
  const clean = await project.deploy(STAGING);
  assert.doesNotMatch(clean.output, /warning:/);
  assert.match(stampOf(clean), /--message \d+\.\d+\.\d+ \([0-9a-f]{7,}\)/);
  project.edit((text) => `${text}# changed\n`);
  const changed = await project.deploy(STAGING);
  assert.match(changed.output, /warning: files have changes that are not committed/);
  assert.match(stampOf(changed), /\([0-9a-f]{7,}, changed\)/);
  report("a deploy → is named by version and commit, with a warning about uncommitted changes");
}

async function checkFailures(): Promise<void> {
  const steps: [failure: string, last: string, advice: RegExp][] = [
    ["check", "check", /`npm run check` failed.*Nothing was deployed/],
    ["^secret list", "secret list", /wrangler secret failed/],
    [
      "^d1 time-travel",
      "d1 time-travel info",
      /no bookmark of the database, so nothing was changed/,
    ],
    [
      "^d1 migrations",
      "d1 migrations apply",
      /The worker was not deployed: the version before still runs/,
    ],
    ["^deploy", "deploy", /still runs, on the migrated database.*deploy again/],
  ];
  for (const [failure, last, advice] of steps) {
    const run = await project.deploy(["--env", "staging"], { FAKE_FAILURE: failure });
    assert.equal(run.code, 1, failure);
    assert.equal(summarize(run.calls).at(-1), last, `${failure} stops the rest`);
    assert.match(run.output, advice);
  }
  project.reset();
  const broken = await project.deploy([...STAGING, ...ADMIN], { FAKE_FAILURE: "^deploy" });
  assert.match(broken.output, /The new keys are in \.prod\.staging\.vars.*the same keys are used/);
  const keys = project.read(".prod.staging.vars");
  const unmigrated = await project.deploy([...STAGING, ...ADMIN], {
    FAKE_FAILURE: "^d1 migrations",
  });
  assert.match(unmigrated.output, /answers 503 until its database is migrated\. Deploy again/);
  assert.equal((await project.deploy([...STAGING, ...ADMIN])).code, 0);
  assert.equal(project.read(".prod.staging.vars"), keys);
  assert.ok(project.has(".prod.staging.admin.vars"));
  report("a step that fails stops the rest and says what to do; the next deploy goes on");
}

async function checkCi(): Promise<void> {
  project.reset();
  const first = await project.deploy([...STAGING, ...ADMIN], { CI: "true" });
  assert.deepEqual([first.code, summarize(first.calls)], [1, ["secret list"]]);
  assert.match(first.output, /Run the first deploy on your own machine/);
  assert.ok(!project.has(".prod.staging.vars"), "keys on a build machine");
  assert.equal((await project.deploy(STAGING)).code, 0);
  const later = await project.deploy([...STAGING, ...ADMIN], { CI: "true" });
  assert.equal(later.code, 0, later.output);
  assert.match(
    later.output,
    /no administrator yet[\s\S]*npm run admin -- create .*--username ada --remote --env staging/,
  );
  assert.ok(!project.has(".prod.staging.admin.vars"), "a password on a build machine");
  report(
    "in CI → no keys and no password are made, and the commands for one's own machine are named",
  );
}

async function checkShared(): Promise<void> {
  const original = project.read("wrangler.toml");
  for (const [from, to, kind] of [
    ['database_name = "roster-staging"', 'database_name = "roster"', "the D1 database roster"],
    [
      'bucket_name = "roster-staging-audit"',
      'bucket_name = "roster-audit"',
      "the R2 bucket roster-audit",
    ],
    ['name = "roster-staging"', 'name = "roster"', "the worker's name roster"],
  ] as const) {
    project.edit((text) => text.replace(from, to));
    const run = await project.deploy(STAGING);
    assert.deepEqual([run.code, run.calls], [1, []]);
    assert.ok(run.output.includes(`${kind}: staging and production`), run.output);
    project.edit(() => original);
  }
  report("environments that share a worker, a database or a bucket → refused, naming it");
}

async function checkSmoke(): Promise<void> {
  const server = createServer((_request, response) => response.end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Only development may have a plain address.
  const flags = ["--var", "ENVIRONMENT:development", "--var", `APP_URL:${url}`];
  try {
    const run = await project.deploy([...STAGING, ...flags]);
    assert.deepEqual(run.calls.at(-1), ["smoke", url, "--wait", "60"], run.output);
    const broken = await project.deploy([...STAGING, ...flags], { FAKE_FAILURE: "smoke" });
    assert.equal(broken.code, 1);
    assert.match(broken.output, /does not work as it should.*npx wrangler rollback --env staging/);
  } finally {
    server.close();
  }
  report("a reachable address → the smoke script runs last, and its failure names the way back");
}

async function checkDryRun(): Promise<void> {
  const run = await project.deploy(["--dry-run"]);
  assert.equal(run.code, 0, run.output);
  assert.deepEqual(run.calls, [
    ["deploy", "--dry-run", "--env", "staging"],
    ["deploy", "--dry-run", "--env", "production"],
  ]);
  assert.match(run.output, /^staging: the bundle builds, 100\.00 KiB, 20\.00 KiB with gzip$/m);
  assert.match(
    run.output,
    /^ {2}To be done before the first deploy: APP_URL is still the placeholder/m,
  );
  report("--dry-run → every environment is built, and nothing else happens");
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
