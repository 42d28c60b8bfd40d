import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listEnvironments, readEnvironment } from "../../../scripts/lib/environments.ts";
import { runScript } from "../run-script.ts";
import { ROOT } from "../server.ts";

/** Linked into the copy. `scripts` is copied, so that it finds the packages of the copy. */
const LINKED = ["src", "migrations", "pages", "tsconfig.json"];
const COPIED = ["scripts", "package.json", "wrangler.toml", ".gitignore"];

export interface Run {
  code: number | null;
  output: string;
  /** What was called, in order: `check`, `smoke`, and the arguments of each call of wrangler. */
  calls: string[][];
}

/** A copy of the project with a wrangler that records what it is asked to do and reaches no network. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "roster-deploy-"));
  readonly #state = mkdtempSync(join(tmpdir(), "roster-fake-"));

  constructor() {
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(this.folder, name));
    for (const name of COPIED)
      cpSync(join(ROOT, name), join(this.folder, name), { recursive: true });
    this.#linkPackages();
    this.#readConfiguration();
    this.#replaceCheckAndSmoke();
  }

  remove(): void {
    for (const path of [this.folder, this.#state]) rmSync(path, { recursive: true, force: true });
  }

  /** Forgets what the fake has stored: the next deploy is the first. */
  reset(): void {
    rmSync(this.#state, { recursive: true });
    mkdirSync(this.#state);
    for (const name of readdirSync(this.folder)) {
      if (name.startsWith(".prod.")) rmSync(join(this.folder, name));
    }
  }

  /** Makes the folder a git checkout without changes. */
  commitAll(): void {
    const identity = [
      "-c",
      "user.name=Ada",
      "-c",
      "user.email=ada@acme.dev",
      "-c",
      "commit.gpgsign=false",
    ];
    const git = (...args: string[]) =>
      execFileSync("git", [...identity, ...args], { cwd: this.folder });
    git("init", "--quiet");
    git("add", "--all");
    git("commit", "--quiet", "--message", "All");
  }

  edit(change: (text: string) => string, name = "wrangler.toml"): void {
    const path = join(this.folder, name);
    writeFileSync(path, change(readFileSync(path, "utf8")));
    if (name === "wrangler.toml") this.#readConfiguration();
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  modeOf(name: string): string {
    return (statSync(join(this.folder, name)).mode & 0o777).toString(8);
  }

  /** Runs `npm run deploy` with the flags. `settings` are environment variables. */
  async deploy(flags: readonly string[], settings: Record<string, string> = {}): Promise<Run> {
    const log = join(this.#state, "calls.ndjson");
    rmSync(log, { force: true });
    const { CI: _ci, CLOUDFLARE_ENV: _env, ...inherited } = process.env;
    const env = { ...inherited, FAKE_FOLDER: this.#state, ...settings };
    const { code, output } = await runScript("scripts/deploy.ts", flags, {
      folder: this.folder,
      env,
    });
    const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    return { code, output, calls: lines.map((line) => JSON.parse(line)) };
  }

  /** Links all packages but wrangler, whose program is the fake. */
  #linkPackages(): void {
    const packages = join(this.folder, "node_modules");
    const wrangler = join(packages, "wrangler");
    mkdirSync(join(wrangler, "bin"), { recursive: true });
    for (const name of readdirSync(join(ROOT, "node_modules"))) {
      if (name !== "wrangler") symlinkSync(join(ROOT, "node_modules", name), join(packages, name));
    }
    const manifest = { name: "wrangler", type: "module", exports: "./index.js" };
    writeFileSync(join(wrangler, "package.json"), JSON.stringify(manifest));
    const read = `JSON.parse(readFileSync(${JSON.stringify(join(wrangler, "configurations.json"))}))`;
    writeFileSync(
      join(wrangler, "index.js"),
      `import { readFileSync } from "node:fs";\nexport const unstable_readConfig = ({ env }) => ${read}[env ?? ""];\n`,
    );
    cpSync(join(ROOT, "test/e2e/deploy/fake-wrangler.mjs"), join(wrangler, "bin/wrangler.js"));
  }

  /** Reads the configuration with wrangler itself, once for all runs: loading it takes longer than a deploy. */
  #readConfiguration(): void {
    const config = join(this.folder, "wrangler.toml");
    const names = [undefined, ...listEnvironments(config)];
    const all = names.map((env) => [env ?? "", readEnvironment({ env, config })]);
    const path = join(this.folder, "node_modules/wrangler/configurations.json");
    writeFileSync(path, JSON.stringify(Object.fromEntries(all)));
  }

  #replaceCheckAndSmoke(): void {
    const record = (name: string) => `import { appendFileSync } from "node:fs";
appendFileSync(process.env.FAKE_FOLDER + "/calls.ndjson", JSON.stringify([${JSON.stringify(name)}, ...process.argv.slice(2)]) + "\\n");
process.exitCode = process.env.FAKE_FAILURE === ${JSON.stringify(name)} ? 1 : 0;
`;
    writeFileSync(join(this.folder, "check.mjs"), record("check"));
    writeFileSync(join(this.folder, "scripts/smoke.ts"), record("smoke"));
    this.edit((text) => text.replace(/"check": ".*"/, '"check": "node check.mjs"'), "package.json");
  }
}

/** The calls as one line each, without values that differ from run to run. */
export function summarize(calls: readonly string[][]): string[] {
  return calls.map((args) => {
    const [command = ""] = args;
    const depth = command === "d1" ? 3 : command === "secret" ? 2 : 1;
    return args.slice(0, depth).join(" ");
  });
}

/** Fails unless neither the output nor an argument has one of the texts. */
export function assertNowhere(run: Run, secrets: readonly string[]): void {
  assert.ok(secrets.length > 0);
  const seen = run.output + JSON.stringify(run.calls);
  for (const secret of secrets)
    assert.ok(!seen.includes(secret), "a secret was printed or passed on");
}
