import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import {
  listEnvironments,
  readEnvironment,
  requireOwnResources,
} from "../../../scripts/lib/environments.ts";
import { ROOT } from "../server.ts";

const NAMES = [undefined, "staging", "production"];

/** The same for all environments on purpose: what the worker is built from, and how. */
const COMMON = [
  "main",
  "compatibility_date",
  "build",
  "alias",
  "minify",
  "keep_names",
  "upload_source_maps",
] as const;

/** What each environment states for itself. Wrangler would inherit some of it. */
const OWN = [
  "name",
  "preview_urls",
  "vars",
  "d1_databases",
  "kv_namespaces",
  "r2_buckets",
  "send_email",
  "analytics_engine_datasets",
  "assets",
  "triggers",
  "observability",
];

/** Checks wrangler.toml as wrangler reads it. */
export function checkConfiguration(): void {
  assert.deepEqual(listEnvironments(undefined), ["staging", "production"]);
  requireOwnResources(undefined);
  checkCommon();
  checkBindings();
  checkNames();
  checkStated();
  checkVersions();
  console.log(
    "ok  wrangler.toml → each environment has its own name, address, stores, mail, assets and crons",
  );
}

function read(env: string | undefined) {
  return readEnvironment({ env, config: undefined });
}

function checkCommon(): void {
  const local = read(undefined);
  for (const env of NAMES) {
    for (const key of COMMON) assert.deepEqual(read(env)[key], local[key], `${key} of ${env}`);
    assert.equal(read(env).preview_urls, false, "versions that are not deployed have no address");
  }
  assert.match(String(local.compatibility_date), /^\d{4}-\d\d-\d\d$/);
}

// The worker knows its bindings by the same names everywhere.
function checkBindings(): void {
  for (const env of NAMES) {
    const { d1_databases, kv_namespaces, r2_buckets, send_email, assets, triggers, ...config } =
      read(env);
    assert.deepEqual(
      d1_databases.map((item) => [item.binding, item.migrations_dir]),
      [["DB", "migrations"]],
    );
    assert.deepEqual(
      kv_namespaces.map(({ binding }) => binding),
      ["KV"],
    );
    assert.deepEqual(
      r2_buckets.map(({ binding }) => binding),
      ["ARCHIVE"],
    );
    assert.deepEqual(
      send_email.map(({ name }) => name),
      ["EMAIL"],
    );
    assert.deepEqual(
      config.analytics_engine_datasets.map(({ binding }) => binding),
      ["METRICS"],
    );
    assert.deepEqual(assets, {
      directory: "dist/assets",
      binding: "ASSETS",
      html_handling: "none",
      run_worker_first: true,
    });
    assert.deepEqual(triggers, { crons: ["* * * * *", "*/5 * * * *", "17 * * * *"] });
    assert.deepEqual(config.observability, { enabled: true, logs: { invocation_logs: false } });
    assert.equal(
      config.vars.ENVIRONMENT,
      "production",
      "development must be chosen, never deployed",
    );
  }
}

function checkNames(): void {
  const namesOf = (env: string | undefined) => {
    const { name, vars, d1_databases, r2_buckets, analytics_engine_datasets } = read(env);
    return [
      name,
      vars.APP_URL,
      d1_databases[0]?.database_name,
      r2_buckets[0]?.bucket_name,
      analytics_engine_datasets[0]?.dataset,
    ];
  };
  assert.deepEqual(namesOf("production"), [
    "roster",
    "https://roster.invalid",
    "roster",
    "roster-audit",
    "roster_requests",
  ]);
  const [local, staging, production] = NAMES.map(namesOf);
  for (const [index, own] of (staging ?? []).entries()) {
    assert.ok(own && own !== production?.[index] && own !== local?.[index], String(own));
  }
  assert.equal(
    read(undefined).vars.APP_URL,
    undefined,
    "a worker from the top level refuses to serve",
  );
}

function checkStated(): void {
  const { rawConfig } = readRawConfig({});
  for (const env of ["staging", "production"]) {
    const stated = Object.keys(rawConfig.env?.[env] ?? {});
    assert.deepEqual(
      OWN.filter((key) => !stated.includes(key)),
      [],
      `inherited by ${env}`,
    );
    assert.deepEqual(
      COMMON.filter((key) => stated.includes(key)),
      [],
      `stated by ${env}, too`,
    );
  }
}

// Tests, development and deploys run one workerd.
function checkVersions(): void {
  const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
  const { devDependencies } = read("package.json");
  const { dependencies } = read("node_modules/@cloudflare/vitest-pool-workers/package.json");
  for (const name of ["wrangler", "miniflare"])
    assert.equal(devDependencies[name], dependencies[name], name);
}
