import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UsageError } from "./fail.ts";

const WRANGLER = fileURLToPath(
  new URL("../../node_modules/wrangler/bin/wrangler.js", import.meta.url),
);

// No look at the network that a local start does not need.
const QUIET = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
};

/** Starts wrangler with the terminal as its own. */
export function startWrangler(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [WRANGLER, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...QUIET },
  });
}

/** Runs wrangler to its end and returns what it printed. A failure is a UsageError with wrangler's own words. */
export async function runWrangler(args: readonly string[], input?: string): Promise<string> {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...QUIET, CI: "true", FORCE_COLOR: "0" },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code === 0) return stdout;
  throw new UsageError(`wrangler ${args[0] ?? ""} failed.\n${stderr.trim() || stdout.trim()}`);
}
