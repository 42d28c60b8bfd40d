// npm run dev [-- flags of `wrangler dev`]: everything that a local start needs, then wrangler.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { parseConfig } from "../src/config.ts";
import { DEVELOPMENT_KEY_PREFIX } from "../src/lib/jwk.ts";
import { createAdmin } from "./lib/admin.ts";
import { readVars, type Vars, writeVars } from "./lib/dev-vars.ts";
import { main, UsageError } from "./lib/fail.ts";
import { newMacKey, newSigningKey } from "./lib/new-keys.ts";
import { runWrangler, startWrangler } from "./lib/wrangler.ts";

const FILE = ".dev.vars";
const READY_TIMEOUT_MS = 60_000;

await main(async () => {
  const args = process.argv.slice(2);
  const { port, host, persist, cliVars } = readFlags(args);
  const vars = { ...(readVars(FILE) ?? (await makeDevVars())), ...cliVars };
  await checkVars(vars);
  await checkPort(port, host);
  const where = ["--local", ...(persist ? ["--persist-to", persist] : [])];
  await runWrangler(["d1", "migrations", "apply", "DB", ...where]);
  const note = await ensureAdmin(vars, where);

  const url = `http://${host}:${port}`;
  const appUrl = vars.APP_URL ? [] : ["--var", `APP_URL:${url}`];
  const worker = startWrangler([
    "dev",
    "--port",
    port,
    "--show-interactive-dev-session=false",
    ...args,
    ...appUrl,
  ]);
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => worker.kill(signal));
  const ended = new Promise<number>((resolve) => worker.on("close", (code) => resolve(code ?? 0)));
  const isReady = await Promise.race([waitUntilReady(url), ended.then(() => false)]);
  if (isReady) printWelcome(url, vars, note);
  process.exitCode = await ended;
});

function readFlags(args: string[]) {
  const { values } = parseArgs({
    args,
    strict: false,
    options: {
      port: { type: "string", default: "8787" },
      ip: { type: "string", default: "localhost" },
      "persist-to": { type: "string" },
      var: { type: "string", multiple: true, default: [] },
    },
  });
  const cliVars = (values.var as string[]).map((pair): [string, string] => {
    const at = pair.indexOf(":");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const ip = String(values.ip);
  return {
    port: String(values.port),
    host: ["0.0.0.0", "::", "*"].includes(ip) ? "localhost" : ip,
    persist: values["persist-to"] as string | undefined,
    cliVars: Object.fromEntries(cliVars) as Vars,
  };
}

async function makeDevVars(): Promise<Vars> {
  const vars = {
    ENVIRONMENT: "development",
    SERVER_TIMING: "on",
    SIGNING_KEYS: JSON.stringify({ keys: [await newSigningKey(DEVELOPMENT_KEY_PREFIX)] }),
    MAC_KEYS: JSON.stringify({ keys: [newMacKey(DEVELOPMENT_KEY_PREFIX)] }),
    DEV_ADMIN_EMAIL: "admin@roster.example",
    DEV_ADMIN_USERNAME: "admin",
    DEV_ADMIN_PASSWORD: randomBytes(12).toString("base64url"),
  };
  writeVars(
    FILE,
    vars,
    "Secrets of the local start, made by `npm run dev`. Production refuses these keys.",
  );
  console.log(`Wrote ${FILE} with fresh secrets.`);
  return vars;
}

async function checkVars(vars: Vars): Promise<void> {
  for (const name of ["DEV_ADMIN_EMAIL", "DEV_ADMIN_USERNAME", "DEV_ADMIN_PASSWORD"]) {
    if (!vars[name])
      throw new UsageError(
        `${FILE}: ${name} is missing. Add it, or delete the file to start afresh.`,
      );
  }
  const result = await parseConfig(vars);
  if (result.ok) return;
  const faults = result.faults.map(({ setting, message }) => `${setting}: ${message}`).join("; ");
  throw new UsageError(`${FILE}: ${faults}. Mend it, or delete the file to start afresh.`);
}

async function checkPort(port: string, host: string): Promise<void> {
  const isTaken = await new Promise<boolean>((resolve) => {
    const socket = connect({ port: Number(port), host });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.end());
  });
  if (!isTaken) return;
  throw new UsageError(
    `Port ${port} is taken. Stop what uses it, or choose another: npm run dev -- --port ${Number(port) + 1}`,
  );
}

async function ensureAdmin(vars: Vars, where: readonly string[]): Promise<string> {
  const outcome = await createAdmin(
    {
      email: vars.DEV_ADMIN_EMAIL ?? "",
      username: vars.DEV_ADMIN_USERNAME ?? "",
      password: vars.DEV_ADMIN_PASSWORD ?? "",
    },
    where,
  );
  if (outcome.kind === "created" || outcome.passwordMatches) return "";
  return `  (${outcome.username} exists with another password than ${FILE} says)`;
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

function printWelcome(url: string, vars: Vars, note: string): void {
  const {
    DEV_ADMIN_EMAIL: email,
    DEV_ADMIN_USERNAME: username,
    DEV_ADMIN_PASSWORD: password,
  } = vars;
  console.log(`
  Roster runs at ${url}
  Docs           ${url}/docs
  Admin          ${username} (${email})
  Password       ${password}${note}

  Try it:
  curl -s ${url}/v1/auth/login -H 'Content-Type: application/json' \\
    -d '{"username":"${username}","password":"${password}"}'
`);
}
