// npm run dev [-- flags of `wrangler dev`]: creates secrets, database and administrator if necessary, then runs wrangler.
import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { RegisterUser } from "../src/accounts/users/schema.ts";
import { type Config, parseConfig } from "../src/config.ts";
import type { NewAdmin } from "./lib/admin.ts";
import { answerHelp } from "./lib/command-line.ts";
import { type DevAdmin, ensureDevAdmin } from "./lib/dev-admin.ts";
import { prepareDevSettings } from "./lib/dev-settings.ts";
import type { Vars } from "./lib/dev-vars.ts";
import { main, UsageError } from "./lib/fail.ts";
import { keepLocalStores } from "./lib/local-stores.ts";
import { applyMigrations } from "./lib/migrations.ts";
import { startDevServer } from "./lib/wrangler.ts";

const FILE = ".dev.vars";
const DEFAULT_PORT = 8787;
const PARENT_CHECK_MS = 500;
const READY_TIMEOUT_MS = 300_000;

const USAGE = `Usage:
  npm run dev [-- --port N] [--ip HOST] [--persist-to DIR] [--var NAME:VALUE]
Creates secrets, database and administrator if necessary, then runs the worker.
All options are passed on to wrangler dev.`;

await main(async () => {
  const args = process.argv.slice(2);
  answerHelp(USAGE, args);
  const flags = readFlags(args);
  const { vars: fromFile, generated } = await prepareDevSettings(FILE);
  const vars = { ...fromFile, ...flags.vars };
  const url = `http://${flags.host.includes(":") ? `[${flags.host}]` : flags.host}:${flags.port}`;
  const config = await checkVars({ APP_URL: url, ...vars }, flags.vars);
  await checkPort(flags);
  const where = ["--local", ...(flags.persistTo ? ["--persist-to", flags.persistTo] : [])];
  const admin = await keepLocalStores(where, async () => {
    await applyMigrations(where);
    return ensureDevAdmin(adminOf(vars), { where, config, file: FILE, generated });
  });

  const worker = startDevServer([
    "--show-interactive-dev-session=false",
    ...(flags.hasPort ? [] : ["--port", flags.port]),
    ...args,
    ...(vars.APP_URL ? [] : ["--var", `APP_URL:${url}`]),
  ]);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => worker.kill(signal));
  }
  stopWithParent(worker);
  const ended = new Promise<number>((resolve) => worker.on("close", (code) => resolve(code ?? 0)));
  const isReady = await Promise.race([waitUntilReady(url), ended.then(() => false)]);
  if (isReady) printWelcome(url, vars, admin);
  process.exitCode = await ended;
});

function readFlags(args: string[]) {
  const { values } = parseArgs({
    args,
    strict: false,
    options: {
      port: { type: "string" },
      ip: { type: "string", default: "localhost" },
      "persist-to": { type: "string" },
      var: { type: "string", multiple: true, default: [] },
    },
  });
  const port = String(values.port ?? DEFAULT_PORT);
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(`--port takes a number from 1 to 65535, not ${port}.`);
  }
  const vars = (values.var as string[]).map((pair): [string, string] => {
    const at = pair.indexOf(":");
    if (at < 1) throw new UsageError(`--var takes NAME:value, not ${pair}.`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const ip = String(values.ip);
  return {
    port,
    hasPort: values.port !== undefined,
    host: ["0.0.0.0", "::", "*"].includes(ip) ? "localhost" : ip,
    persistTo: values["persist-to"] as string | undefined,
    vars: Object.fromEntries(vars) as Vars,
  };
}

/** Returns the configuration. Throws a UsageError with every invalid setting. */
async function checkVars(vars: Vars, onCommandLine: Vars): Promise<Config> {
  const result = await parseConfig(vars);
  const admin = RegisterUser.safeParse(adminOf(vars));
  const adminFaults = (admin.error?.issues ?? []).map(({ path, message }) => ({
    setting: `DEV_ADMIN_${String(path[0]).toUpperCase()}`,
    message,
  }));
  const messages = new Map<string, string>();
  for (const { setting, message } of [...(result.ok ? [] : result.faults), ...adminFaults]) {
    if (!messages.has(setting)) messages.set(setting, describeFault(vars[setting], message));
  }
  if (result.ok && messages.size === 0) return result.config;
  const faults = [...messages].map(([setting, message]) =>
    setting in onCommandLine ? `--var ${setting}: ${message}` : `${setting}: ${message}`,
  );
  throw new UsageError(`${FILE}: ${faults.join("; ")}. Fix it, or delete the file to start over.`);
}

function describeFault(value: string | undefined, message: string): string {
  if (value === undefined) return "missing";
  return value === "" ? "empty" : message.replace(/\.$/, "");
}

function adminOf(vars: Vars): NewAdmin {
  return {
    email: vars.DEV_ADMIN_EMAIL ?? "",
    username: vars.DEV_ADMIN_USERNAME ?? "",
    password: vars.DEV_ADMIN_PASSWORD ?? "",
  };
}

async function checkPort({ port, host }: { port: string; host: string }): Promise<void> {
  const isTaken = await new Promise<boolean>((resolve) => {
    const socket = connect({ port: Number(port), host });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.end());
  });
  if (!isTaken) return;
  throw new UsageError(
    `Port ${port} is in use. Stop the other process, or choose another port: npm run dev -- --port ${Number(port) + 1}`,
  );
}

/** Stops the worker when npm ends: killing the `npm run dev` process ends only npm. */
function stopWithParent(worker: ChildProcess): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    worker.kill("SIGTERM");
  }, PARENT_CHECK_MS);
  watch.unref();
}

async function waitUntilReady(url: string): Promise<boolean> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const response = await fetch(`${url}/ready`).catch(() => undefined);
    if (response?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return false;
}

function printWelcome(url: string, vars: Vars, { username, password, note }: DevAdmin): void {
  console.log(`
  Roster is running at ${url}
  API            ${url}/docs
  Guide          ${url}/docs/guide
  Console        ${url}/console
  Account        ${url}/account
  Admin          ${username} (${vars.DEV_ADMIN_EMAIL})
  Password       ${password ?? "not known"}${note ? `\n                 (${note})` : ""}
  Mail           not sent: the path of each mail's text is logged below
  Cron           curl -s '${url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*' (hourly jobs: 17+*+*+*+*)

  Try it:
  curl -s ${url}/v1/auth/login -H 'Content-Type: application/json' \\
    -d '{"username":"${username}","password":"${password ?? "…"}"}'
`);
}
