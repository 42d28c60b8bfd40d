import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { retryWhileBusy } from "./busy.ts";
import { UsageError } from "./fail.ts";

const WRANGLER = fileURLToPath(
  new URL("../../node_modules/wrangler/bin/wrangler.js", import.meta.url),
);

// Disables network requests that local development does not need.
const QUIET = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_WRITE_LOGS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
};

const READY = /Ready on http/;
const CRON_NOTICE = "Scheduled Workers are not automatically triggered";
const LOGGED_OUT = /CLOUDFLARE_API_TOKEN environment variable|not authenticated/i;

/** Starts wrangler with its output on the terminal. */
export function startWrangler(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [WRANGLER, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...QUIET },
  });
}

/** Starts `wrangler dev` without its start-up messages. Errors, warnings and the worker's log are passed on. */
export function startDevServer(args: readonly string[]): ChildProcess {
  const color = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const child = spawn(process.execPath, [WRANGLER, "dev", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...QUIET, ...color },
  });
  let isReady = false;
  child.stdout.on("data", (chunk: Buffer) => {
    if (isReady) process.stdout.write(chunk);
    isReady ||= READY.test(chunk.toString());
  });
  child.stderr.on("data", (chunk: Buffer) => {
    if (!chunk.toString().includes(CRON_NOTICE)) process.stderr.write(chunk);
  });
  return child;
}

/**
 * Runs wrangler and returns its standard output. While another process is using the local database, it tries again. Throws a
 * UsageError with wrangler's message if it fails.
 */
export function runWrangler(args: readonly string[]): Promise<string> {
  return retryWhileBusy(() => runOnce(args));
}

async function runOnce(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
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
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code === 0) return stdout;
  if (LOGGED_OUT.test(stderr)) {
    throw new UsageError(
      "Not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.",
    );
  }
  throw new UsageError(`wrangler ${args[0] ?? ""} failed.\n${stderr.trim() || stdout.trim()}`);
}
