// npm run clients:build: builds the packages in clients/ into their dist folders, from which `npm pack -w roster-client` packs them.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main, UsageError } from "./lib/fail.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** In this order: what a package depends on comes first. */
const PACKAGES = ["typescript", "verify", "hono", "express"];

await main(async () => {
  run("node", ["scripts/api-types.ts"]);
  for (const name of PACKAGES) {
    rmSync(`${ROOT}clients/${name}/dist`, { recursive: true, force: true });
    run(`${ROOT}node_modules/.bin/tsc`, ["-p", `clients/${name}/tsconfig.build.json`]);
  }
});

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new UsageError(`${command} ${args.join(" ")} failed.`);
}
