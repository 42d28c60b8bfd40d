// npm run deploy [-- flags of `wrangler deploy`]: secrets at the first deploy, migrations, the worker.
import { existsSync } from "node:fs";
import { readVars, writeVars } from "./lib/dev-vars.ts";
import { main, UsageError } from "./lib/fail.ts";
import { newMacKey, newSigningKey } from "./lib/new-keys.ts";
import { runWrangler, startWrangler } from "./lib/wrangler.ts";

const FILE = ".prod.vars";
const NEEDED = ["SIGNING_KEYS", "MAC_KEYS"];

await main(async () => {
  const args = process.argv.slice(2);
  if (args.includes("--dry-run")) return wrangler(["deploy", ...args]);
  const known = await listSecrets();
  if (known && NEEDED.every((name) => known.includes(name))) {
    await wrangler(["d1", "migrations", "apply", "DB", "--remote"]);
    return wrangler(["deploy", ...args]);
  }
  await makeProductionKeys();
  await wrangler(["deploy", "--secrets-file", FILE, ...args]);
  await wrangler(["d1", "migrations", "apply", "DB", "--remote"]);
  console.log(`
The keys are in ${FILE}: move it to a safe place, rotation needs it.
Make an administrator: npm run admin -- create --email EMAIL --username NAME --remote`);
});

/** Names of the worker's secrets; undefined before the first deploy. */
async function listSecrets(): Promise<string[] | undefined> {
  try {
    const output = await runWrangler(["secret", "list", "--format", "json"]);
    const secrets = JSON.parse(output.slice(output.indexOf("["))) as { name: string }[];
    return secrets.map(({ name }) => name);
  } catch (error) {
    const isUnknownWorker = error instanceof Error && /10007|not found/i.test(error.message);
    if (isUnknownWorker) return undefined;
    throw error;
  }
}

async function makeProductionKeys(): Promise<void> {
  if (existsSync(FILE) && readVars(FILE)?.SIGNING_KEYS) return;
  const vars = {
    SIGNING_KEYS: JSON.stringify({ keys: [await newSigningKey()] }),
    MAC_KEYS: JSON.stringify({ keys: [newMacKey()] }),
  };
  writeVars(FILE, vars, "Production secrets of Roster. Keep them out of the repository.");
}

async function wrangler(args: readonly string[]): Promise<void> {
  const child = startWrangler(args);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0)
    throw new UsageError(`wrangler ${args[0]} failed: see above. Nothing after it was done.`);
}
